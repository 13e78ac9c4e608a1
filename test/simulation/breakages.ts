/**
 * Ways to break the product on purpose, each in one place: `breakages_test.ts` shows that each of them is found.
 *
 * To find the seed and the events of a new one, or of one whose run no longer shows it: break the product so, and let
 * `deno task sim --seed 1 --runs 300` play until an invariant does not hold; it says which events the shortest run has.
 */

interface Broken {
  what: string;
  file: string;
  /** Stands in the file once. */
  from: string;
  to: string;
}

/** A breakage that the simulation finds. */
export interface Played extends Broken {
  /** The invariants of which one must be found not to hold. */
  violates: number[];
  /** The seed whose run shows that, of which only these events are played: the shortest run that does, within a second or two. */
  seed: number;
  only: number[];
}

/** A breakage of what the simulation does not play, and that another test finds. */
export interface Tested extends Broken {
  /** The file of the test, and how the name of the test that must fail begins. */
  foundBy: string;
  test: string;
}

export type Breakage = Played | Tested;

/** What was planted while the simulation was built. */
const FIRST: Breakage[] = [
  {
    what: "deletes do not say which pod they mean",
    file: "src/kube/client.ts",
    from: "preconditions: { uid },",
    to: "",
    violates: [12],
    seed: 1,
    only: [11],
  },
  {
    what: "a request is printed before its name is durable",
    file: "src/workdir/store/publish.ts",
    from: "      await files.sync(this.#parent);\n",
    to: "",
    violates: [2],
    seed: 4,
    only: [25, 27],
  },
  {
    what: "why a machine failed is not synced before it is called failed",
    file: "src/workdir/commit.ts",
    from: "    await inParallel(this.#lasting(), (machine) => this.#writeLastingTombstone(machine));\n" +
      "    await this.#sync(layout.machines, this.#lasting());\n",
    to: "    for (const [, change] of this.#changes) change.lasts = false;\n",
    violates: [2, 7],
    seed: 51,
    only: [0, 4, 6, 9, 14, 21, 23, 26, 35, 37, 39, 40, 52, 57],
  },
  {
    what: "a list is not compared with what was known",
    file: "src/watchers/pods/watcher.ts",
    from: "this.#unlisted.begin({ missing, unseen });",
    to: "this.#unlisted.begin({ missing: [], unseen });",
    violates: [3, 13],
    seed: 4,
    only: [25, 27],
  },
  {
    what: "after a 410 the watch goes on where it was",
    file: "src/kube/reflector.ts",
    from: "if (!WATCH_GOES_ON.has(error.kind)) this.#version = undefined;",
    to: "if (!WATCH_GOES_ON.has(error.kind)) { /* goes on */ }",
    violates: [3, 8, 13],
    seed: 63,
    only: [2, 4, 14, 18, 23, 27, 29, 30, 32, 36, 41, 42, 45, 46],
  },
  {
    what: "a deletion is assumed once it was asked for",
    file: "src/verbs/get_request_status.ts",
    from: 'result: gone ? "succeed" : "executing", ...address',
    to: 'result: gone || readPodFacts(workdir, name)?.deletionAt !== undefined ? "succeed" : "executing", ...address',
    violates: [2, 6],
    seed: 1,
    only: [0, 4],
  },
  {
    what: "a delete that failed is not tried again",
    file: "src/watchers/work/pod_deleter.ts",
    from: "wanted.againMs = clock.monotonic() + backoffMs(wanted.failures, random);",
    to: "wanted.againMs = Infinity;",
    violates: [3],
    seed: 33,
    only: [0, 1, 6, 7, 9, 11, 12, 18, 19, 22, 25, 26, 27, 31],
  },
  {
    what: "notices of changed files are believed to come",
    file: "src/serve/serve.ts",
    from: "runner(SCAN_EVERY_MS), runner(SCAN_EVERY_MS)",
    to: "runner(), runner()",
    violates: [3],
    seed: 419,
    only: [1, 2, 3, 5, 7, 12, 13, 15, 16, 17, 23, 25, 27, 28, 31, 32, 33, 35, 36, 38],
  },
  {
    what: "labels are not looked at",
    file: "src/watchers/work/ownership.ts",
    from: "  if (instance === owner.instance) {\n",
    to: "  if (instance !== undefined) {\n",
    violates: [12],
    seed: 20,
    only: [0, 1, 3, 4, 5, 7, 9, 11, 16, 19, 22, 23, 26, 27, 31, 32, 39, 42, 43, 44],
  },
  {
    what: "a view is believed whatever its age",
    file: "src/workdir/index/sync_status.ts",
    from: "age > SYNC_LIFETIME_SECONDS",
    to: "age > 1e9",
    violates: [8],
    seed: 82,
    only: [2, 9, 10, 15, 19, 22, 33, 36, 43, 45],
  },
  {
    what: "returns are not looked at before a create",
    file: "src/watchers/requests/watcher.ts",
    from: "const isWanted = !returns.has(name) && !request.isOutdated;",
    to: "const isWanted = !request.isOutdated;",
    violates: [9],
    seed: 4,
    only: [19, 20, 21],
  },
  {
    what: "a pod that may exist is not looked for before its machine counts as gone",
    file: "src/watchers/requests/pod_creation.ts",
    from: "  machine.mayExist = true;\n",
    to: "",
    foundBy: "test/watchers/requests/watcher_test.ts",
    test: "a returned machine whose create was not answered",
  },
  {
    what: "a machine that has no word yet is not counted",
    file: "src/verbs/get_request_status.ts",
    from: "if (word === undefined && (pending || request.record)) {",
    to: "if (word === undefined && pending) {",
    violates: [2, 7],
    seed: 6,
    only: [25, 26, 31, 38, 40, 42, 44],
  },
  {
    what: "a list of which a page fails counts as complete",
    file: "src/kube/reflector.ts",
    from: "      throw new ListFailure(error);\n",
    to: "      this.#sink.complete();\n      throw new ListFailure(error);\n",
    foundBy: "test/kube/reflector_test.ts",
    test: "A continue token that is too old begins the LIST anew",
  },
  {
    what: "only the first page of a list is read",
    file: "src/kube/list_pages.ts",
    from: "if (!continueToken) return;",
    to: "return;",
    violates: [3, 6, 13],
    seed: 92,
    only: [0, 1, 2, 5, 6, 7, 8, 9, 10, 13, 16, 17],
  },
  {
    what: "a watch that is silent is believed to be alive",
    file: "src/kube/watch.ts",
    from: "heardAt + idleTimeoutMs - clock",
    to: "heardAt + 1e12 - clock",
    violates: [3, 8, 13],
    seed: 80,
    only: [8, 14],
  },
];

/** What was once not prevented, by what happened then: each takes one of the mends away. */
const MENDS: Breakage[] = [
  {
    what: "whoever finds the lease with somebody else serves without one",
    file: "src/serve/tenure.ts",
    from: "return await this.#standBy(state.holder, identity);",
    to: "return this.#beginUnleased(identity, { error: state, lost });",
    violates: [5, 12, 15, 16],
    seed: 141,
    only: [43, 7, 11, 13, 19, 45, 44, 22, 46, 47],
  },
  {
    what: "the lease is taken though its holder renews it",
    file: "src/kube/lease.ts",
    from: "if (lease && holder && !this.#isOurs(lease) && !this.#hasExpired(lease) && !isDead(holder.identity)) {",
    to: "if (lease && holder && this.#seen === undefined) {",
    violates: [15, 16],
    seed: 15,
    only: [17, 18],
  },
  {
    what: "the pods of another work directory are ours though nothing says that it is not served",
    file: "src/watchers/work/ownership.ts",
    from: "if (owner.isSoleOwner) return true;",
    to: "if (owner.instance) return true;",
    foundBy: "test/watchers/work/ownership_test.ts",
    test: "a pod of another work directory is not ours, without a lease",
  },
  {
    what: "a process that was paused for too long writes when it wakes",
    file: "src/serve/fence.ts",
    from: "    if (this.isOpen) return;\n",
    to: "    if (this.#untilMs > -2) return;\n",
    foundBy: "test/serve/fence_test.ts",
    test: "a process that was paused past its term",
  },
  {
    what: "a work directory serves whatever instance it is told to",
    file: "src/workdir/instances.ts",
    from: "if (names.length === 0 || names.includes(instance) || accepted === instance) return;",
    to: "if (names.length >= 0) return;",
    foundBy: "test/workdir/instances_test.ts",
    test: "a work directory serves the instance that it has served",
  },
  {
    what: "any cluster and namespace will do",
    file: "src/serve/cluster_guard.ts",
    from: "      this.#refuse(known, place);\n",
    to: "      // It will do.\n",
    violates: [6, 7, 8, 15],
    seed: 28,
    only: [7, 27],
  },
  {
    what: "what a list does not name is gone",
    file: "src/watchers/pods/watcher.ts",
    from: "this.#unlisted.begin({ missing, unseen });",
    to:
      "for (const name of missing) this.#seeGone(name, undefined);\n    this.#unlisted.begin({ missing: [], unseen });",
    violates: [6, 7, 8, 15],
    seed: 79,
    only: [0, 13],
  },
  {
    what: "however many a list does not name, it is not doubted",
    file: "src/watchers/pods/listing.ts",
    from: "return missing > FEW && missing > SHARE * (missing + this.size);",
    to: "return missing < 0;",
    foundBy: "test/watchers/pods/watcher_test.ts",
    test: "a list that lacks many machines at once is doubted",
  },
  {
    what: "however many pods are to be deleted at once, none is held",
    file: "src/watchers/timeouts/deletion_brake.ts",
    from: "if (this.#times.length >= this.#limit) {",
    to: "if (this.#times.length < 0) {",
    foundBy: "test/watchers/timeouts/deletion_brake_test.ts",
    test: "what is held is looked at again a minute later",
  },
  {
    what: "the cluster's clock alone says that a time is over",
    file: "src/watchers/timeouts/own_ages.ts",
    from: "return (now - sinceMs) / 1000;",
    to: "return Infinity;",
    violates: [15],
    seed: 961,
    only: [1, 2, 4, 6, 8, 57, 25, 55, 54, 34, 36, 56],
  },
  {
    what: "our clock alone says that a time is over",
    file: "src/watchers/timeouts/aging_machine.ts",
    from: "return since !== undefined && now !== undefined && now - since > seconds;",
    to: "return since !== undefined && now !== undefined && seconds >= 0;",
    foundBy: "test/watchers/timeouts/aging_machine_test.ts",
    test: "a machine whose pod is not too old is not given up",
  },
  {
    what: "a pod that a watch shows no more is gone",
    file: "src/watchers/pods/watcher.ts",
    from: "return isDeletedForGood(pod) && (known === undefined || known === pod.metadata.uid);",
    to: "return known === undefined || known === pod.metadata.uid;",
    violates: [6],
    seed: 159,
    only: [1, 2, 37, 11, 12, 41, 38, 18, 40, 39],
  },
  {
    what: "a pod without our labels is not the machine's, whatever its uid",
    file: "src/watchers/pods/watcher.ts",
    from: "const isOwn = pod !== undefined && this.#isOwn(machine, pod);",
    to: "const isOwn = false;",
    violates: [3, 6, 7, 8],
    seed: 170,
    only: [22, 40],
  },
  {
    what: "pods may be stored without our labels",
    file: "src/watchers/requests/pod_creation.ts",
    from: "if (lost.length === 0) return undefined;",
    to: "if (lost.length >= 0) return undefined;",
    violates: [7],
    seed: 19,
    only: [0, 7, 10, 41, 43, 12, 17, 25, 32, 33, 42, 40],
  },
  {
    what: "a note of a return is believed whoever wrote it",
    file: "src/watchers/recovery/pod_memory.ts",
    from: "return given.length === expected.length && timingSafeEqual(given, expected);",
    to: "return given.length + expected.length > 0 || timingSafeEqual(given, expected);",
    violates: [2, 3, 15],
    seed: 2,
    only: [2, 64],
  },
  {
    what: "a cluster that was put back to an earlier state is not noticed",
    file: "src/kube/reflector.ts",
    from: "  return known !== undefined && Number(version) < Number(known);\n",
    to: "  return known !== undefined && Number(version) < 0;\n",
    violates: [3, 6, 7, 8],
    seed: 283,
    only: [0, 3, 14, 56, 25, 55, 54, 37, 53],
  },
  {
    what: "an API server that lists what etcd has lost is believed",
    file: "src/watchers/pods/list_confirmation.ts",
    from: "if (!isNew || this.isDoubted) return false;",
    to: "if (restores >= 0) return false;",
    foundBy: "test/watchers/pods/list_confirmation_test.ts",
    test: "lists are believed until etcd was restored",
  },
  {
    what: "a machine that counted as gone stays so though its pod comes back",
    file: "src/machine/state.ts",
    from: "return record !== undefined && !record.givenUp && !record.returned && !returned;",
    to: "return record === undefined && returned;",
    violates: [15],
    seed: 987,
    only: [1, 6, 58, 52, 59, 57, 55, 56, 54, 26, 60, 51, 29, 33, 36, 38, 53, 61],
  },
  {
    what: "a watch that carries nothing is believed to be able to",
    file: "src/kube/reflector.ts",
    from: "    if (this.#isDeaf || example === undefined) this.#relistAt = -Infinity;\n    else {\n",
    to: "    {\n",
    violates: [8],
    seed: 999,
    only: [51, 52, 14, 22, 24, 34, 50],
  },
  {
    what: "another pod in the place of a machine's is the machine's",
    file: "src/watchers/pods/observations.ts",
    from: "const isReplaced = uid !== undefined && uid !== observation.pod.metadata.uid;",
    to: "const isReplaced = uid === null;",
    violates: [3, 8],
    seed: 104,
    only: [4, 5, 12, 13, 25, 28, 31, 44],
  },
  {
    what: "one eviction tells that a node is drained",
    file: "src/watchers/nodes/departures.ts",
    from: "return since >= 2 && since >= others;",
    to: "return since >= 1;",
    violates: [3, 8],
    seed: 52,
    only: [32, 4, 8, 10, 12, 13, 33, 31],
  },
  {
    what: "a work directory is used that others may write in",
    file: "src/workdir/store/trust.ts",
    from: "return isOpen(mode) ?",
    to: "return mode < 0 ?",
    foundBy: "test/workdir/store/trust_test.ts",
    test: "a work directory that is writable by all is refused",
  },
  {
    what: "root uses a directory that others could have put there",
    file: "src/workdir/store/trust.ts",
    from: "if (open === undefined) return checkActing(files, root, owner);",
    to: "if (open !== null) return checkActing(files, root, owner);",
    foundBy: "test/workdir/store/trust_test.ts",
    test: "a work directory that is another user's below a directory that all may write in, for root is refused",
  },
  {
    what: "a removal follows a link that was swapped in",
    file: "src/files.ts",
    from: "if (here.ino !== there.ino || here.dev !== there.dev) {",
    to: "if (here.ino < 0) {",
    foundBy: "test/files_test.ts",
    test: "nobody who swaps a directory for a link all the time",
  },
  {
    what: "what is made may be read by all",
    file: "src/workdir/store/workdir.ts",
    from: "const PRIVATE_FILE = 0o600;",
    to: "const PRIVATE_FILE = 0o644;",
    foundBy: "test/workdir/store/workdir_test.ts",
    test: "what is made is private",
  },
  {
    what: "one sync waits for the other",
    file: "src/workdir/store/in_parallel.ts",
    from: "const MOST_UNDER_WAY = 16;",
    to: "const MOST_UNDER_WAY = 1;",
    foundBy: "test/simulation/slow_syncs_test.ts",
    test: "1,000 requests of one machine each",
  },
  {
    what: "a plug-in may print as much as it likes",
    file: "src/kube/auth/exec_plugin.ts",
    from: "stdoutLimitBytes: STDOUT_LIMIT_BYTES,",
    to: "stdoutLimitBytes: Infinity,",
    foundBy: "test/kube/auth/exec_plugin_test.ts",
    test: "A plug-in is run with our environment",
  },
  {
    what: "a plug-in is ended by a signal that it may ignore",
    file: "src/kube/auth/plugin_process.ts",
    from: 'Deno.kill(-pid, "SIGKILL");',
    to: 'Deno.kill(-pid, "SIGHUP");',
    foundBy: "test/kube/auth/plugin_process_test.ts",
    test: "a plug-in that ignores SIGTERM is killed with its children when its time is over",
  },
  {
    what: "a list that repeats itself is read for ever",
    file: "src/kube/list_pages.ts",
    from: "if (tokens.has(continueToken) || tokens.size >= MOST_PAGES) throw new EndlessList();",
    to: "",
    foundBy: "test/kube/list_pages_test.ts",
    test: "a list that repeats a continue token has no end",
  },
  {
    what: "what root makes in another user's directory is root's",
    file: "src/workdir/store/trust.ts",
    from: "    return files.as(owner, () => owner);\n",
    to: "    return files.as(owner, () => undefined);\n",
    foundBy: "test/workdir/store/trust_test.ts",
    test: "what root makes in another user's directory is that user's",
  },
  {
    what: "SIGHUP ends serve",
    file: "src/cli/signals.ts",
    from: ', ["SIGHUP", () => {}]]',
    to: "]",
    foundBy: "test/cli/signals_test.ts",
    test: "SIGHUP",
  },
  {
    what: "nobody is told that the work directory is not served",
    file: "src/verbs/provider.ts",
    from: "doubt ??= doubtService(workdir, watcher, clock.now());",
    to: "doubtService(workdir, watcher, clock.now());",
    foundBy: "test/verbs/provider_test.ts",
    test: "request-machines says in its message, and to people, that no process serves",
  },
];

export const BREAKAGES: readonly Breakage[] = [...FIRST, ...MENDS];
