import assert from "node:assert/strict";
import fc from "fast-check";
import type { RequestStatusAnswer } from "../../../src/hf/answers.ts";
import { MACHINE_STATES } from "../../../src/hf/status.ts";
import { getRequestStatus } from "../../../src/verbs/get_request_status.ts";
import { RetentionWatcher } from "../../../src/watchers/gc/watcher.ts";
import { readFinishedNote } from "../../../src/workdir/end.ts";
import { readGone, writeGone } from "../../../src/workdir/index/gone_machines.ts";
import { readTombstone, writeState, writeTombstone } from "../../../src/workdir/machines.ts";
import { markProcessed, readRequest, settleMachine } from "../../../src/workdir/requests.ts";
import { markReturnProcessed, readReturn } from "../../../src/workdir/returns.ts";
import { writeSyncStatus } from "../../../src/workdir/index/sync_status.ts";
import { atOnce } from "../../support/at_once.ts";
import { existingIds, furnishExisting } from "../../support/existing_workdir.ts";
import { notPermitted } from "../../support/memory_files.ts";
import { memoryProvider } from "../../support/memory_provider.ts";
import { ask, giveBack, type MemoryWatching, memoryWatching, run } from "../../support/memory_watching.ts";

const DAY_MS = 24 * 3_600_000;
const limits = { retainSeconds: 7 * 24 * 3_600, retainMachines: 1_000 };

/** The view is believed for as long as the test lasts. */
function seeCluster(watching: MemoryWatching): void {
  const now = Math.floor(watching.clock.now() / 1000);
  writeSyncStatus(watching.workdir, "pods", { completeAt: now, heardAt: now });
}

function make(): MemoryWatching {
  const watching = memoryWatching();
  seeCluster(watching);
  return watching;
}

/** A request whose machines are all gone. */
async function finish(watching: MemoryWatching, id: string, count: number): Promise<void> {
  const { workdir } = watching;
  await ask(watching, id, count);
  for (let i = 0; i < count; i++) {
    settleMachine(workdir, id, `${id}-${i}`);
    writeState(workdir, `${id}-${i}`, "deleted");
    const ended = { up: true, returned: false, givenUp: false, message: "gone", uid: `uid-${id}-${i}` };
    writeTombstone(workdir, `${id}-${i}`, ended);
  }
  await markProcessed(workdir, id);
}

/** What Symphony is told of requests and return requests. */
function tell({ files, clock }: MemoryWatching, ...ids: string[]): RequestStatusAnswer[] {
  const requests = ids.map((requestId) => ({ requestId }));
  return getRequestStatus(memoryProvider({ files, clock }), { requests }).requests;
}

Deno.test("with a request go the notes of its lost machines, and of return requests those that nobody needs", async () => {
  const watching = make();
  const { workdir, files } = watching;
  await finish(watching, "req", 2);
  await writeGone(workdir, ["req-0", "other-0"], atOnce);
  await giveBack(watching, "open", "other-0");
  await giveBack(watching, "done", "other-0");
  for (const id of ["done", "never"]) files.writeText(`/work/returning/${id}`, "");
  files.writeText("/work/return-requests/done/.processed", "");
  await pass(new RetentionWatcher(watching, limits), watching, 8);
  assert.deepEqual(readGone(workdir), ["other-0"]);
  assert.deepEqual(workdir.names("/work/returning"), ["open"]);
});

/** Lets so many days pass, with a look before and after. */
async function pass(watcher: RetentionWatcher, watching: MemoryWatching, days: number): Promise<void> {
  seeCluster(watching);
  await run(watcher, watching, 61_000);
  await watching.clock.advance(days * DAY_MS);
  seeCluster(watching);
  await run(watcher, watching, 65_000);
}

/** What is left of requests and machines, hidden names included. */
function left({ files }: MemoryWatching): string[] {
  const paths = Object.keys(files.tree("/work"));
  return paths.filter((path) => /^(requests|return-requests|pods-status|machines|pods)\/./.test(path));
}

Deno.test("a request goes with all that is known of its machines, seven days after its end was seen, and not before", async () => {
  const watching = make();
  const watcher = new RetentionWatcher(watching, limits);
  await watching.clock.advance(3 * DAY_MS);
  await finish(watching, "req", 450);
  seeCluster(watching);
  const before = left(watching);
  await pass(watcher, watching, 6.9);
  assert.deepEqual(left(watching).filter((path) => !path.endsWith(".ended")), before);
  await pass(watcher, watching, 0.2);
  assert.deepEqual(left(watching), []);
});

Deno.test("a return request of nothing that we know goes as well, be it all that there is", async () => {
  const watching = make();
  await giveBack(watching, "ret");
  await markReturnProcessed(watching.workdir, "ret");
  await pass(new RetentionWatcher(watching, limits), watching, 8);
  assert.deepEqual(left(watching), []);
});

Deno.test("when it came to its end outlasts restarts", async () => {
  const watching = make();
  await finish(watching, "req", 1);
  for (let day = 0; day < 7; day++) {
    await pass(new RetentionWatcher(watching, limits), watching, 1);
    assert.equal(readRequest(watching.workdir, "req") === undefined, day === 6);
  }
});

Deno.test("whatever state a machine is in, its request goes only if all of them are over", async () => {
  const machine = fc.record({
    word: fc.constantFrom(undefined, ...MACHINE_STATES),
    hasPod: fc.boolean(),
    returning: fc.boolean(),
  });
  const request = fc.record({ machines: fc.array(machine, { minLength: 1, maxLength: 3 }), processed: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(request, async ({ machines, processed }) => {
      const watching = make();
      const { workdir, files } = watching;
      await ask(watching, "req", machines.length);
      for (const [i, { word, hasPod, returning }] of machines.entries()) {
        if (word) writeState(workdir, `req-${i}`, word);
        if (hasPod) files.writeText(`/work/pods/req-${i}`, "{}");
        if (returning) await giveBack(watching, `ret${i}`, `req-${i}`);
      }
      if (processed) await markProcessed(workdir, "req");
      const before = left(watching);
      await pass(new RetentionWatcher(watching, limits), watching, 30);
      const isOver = processed &&
        machines.every(({ word, hasPod, returning }) =>
          !hasPod && !returning && (word === "deleted" || word === "failed" || word === "succeeded")
        );
      assert.deepEqual(left(watching), isOver ? [] : before);
    }),
    { numRuns: 200, seed: 1 },
  );
});

Deno.test("a request is kept while a return request of its machines is under way, and as long as that is", async () => {
  const watching = make();
  const watcher = new RetentionWatcher(watching, limits);
  await finish(watching, "req", 2);
  await pass(watcher, watching, 5);
  await giveBack(watching, "ret", "req-0");
  await pass(watcher, watching, 5);
  assert.ok(readRequest(watching.workdir, "req"));
  await pass(watcher, watching, 1);
  await markReturnProcessed(watching.workdir, "ret");
  await giveBack(watching, "again", "req-1");
  await markReturnProcessed(watching.workdir, "again");
  await pass(watcher, watching, 6);
  assert.deepEqual(tell(watching, "ret", "req").map(({ machines }) => machines.map(({ machineId }) => machineId)), [
    ["uid-req-0"],
    ["uid-req-0", "uid-req-1"],
  ]);
  await giveBack(watching, "once-more", "req-1");
  await markReturnProcessed(watching.workdir, "once-more");
  await pass(watcher, watching, 6);
  assert.ok(readRequest(watching.workdir, "req"));
  await pass(watcher, watching, 2);
  assert.deepEqual(left(watching), []);
});

Deno.test("a return request goes on its own time, though another machine of the request goes on", async () => {
  const watching = make();
  await finish(watching, "req", 2);
  writeState(watching.workdir, "req-1", "running");
  await giveBack(watching, "ret", "req-0");
  await markReturnProcessed(watching.workdir, "ret");
  await pass(new RetentionWatcher(watching, limits), watching, 8);
  assert.equal(readReturn(watching.workdir, "ret"), undefined);
  assert.equal(readRequest(watching.workdir, "req")?.machines.length, 2);
});

Deno.test("a machine of the existing plug-in keeps its result when its return request goes", async () => {
  const watching = make();
  furnishExisting(watching.files, "");
  const before = tell(watching, existingIds.running);
  assert.equal(before[0]?.machines[0]?.status, "terminated");
  await pass(new RetentionWatcher(watching, limits), watching, 8);
  assert.equal(readReturn(watching.workdir, existingIds.return), undefined);
  assert.deepEqual(tell(watching, existingIds.running), before);
});

Deno.test("of too many those that ended first go at once", async () => {
  const watching = make();
  const watcher = new RetentionWatcher(watching, { ...limits, retainMachines: 30 });
  for (const id of ["a", "b", "c", "d"]) {
    await finish(watching, id, 1);
    seeCluster(watching);
    await run(watcher, watching, 110_000);
  }
  assert.deepEqual(watching.workdir.names("/work/requests").sort(), ["b", "c", "d"]);
});

Deno.test("what goes on after its end was noted is kept, and its end is noted anew", async () => {
  const watching = make();
  const watcher = new RetentionWatcher(watching, limits);
  await finish(watching, "req", 1);
  await run(watcher, watching, 1_000);
  watching.files.writeText("/work/pods/req-0", "{}");
  await pass(watcher, watching, 8);
  assert.ok(readRequest(watching.workdir, "req"));
  assert.equal(readFinishedNote(watching.workdir, "/work/requests/req"), undefined);
  watching.files.remove("/work/pods/req-0");
  seeCluster(watching);
  await pass(watcher, watching, 1);
  assert.ok(
    (readFinishedNote(watching.workdir, "/work/requests/req")?.endedAt ?? 0) * 1000 > watching.clock.now() - 2 * DAY_MS,
  );
});

Deno.test("nothing goes while the cluster is not in view, or has not told its time", async () => {
  for (const [what, before] of [["time", 0], ["view", 8]] as const) {
    const watching = make();
    await finish(watching, "req", 1);
    await pass(new RetentionWatcher(watching, limits), watching, before);
    if (what === "time") watching.kube.aheadMs = undefined;
    else watching.files.remove("/work/views/pods.json");
    await finish(watching, "late", 1);
    await watching.clock.advance(8 * DAY_MS);
    if (what === "time") seeCluster(watching);
    await run(new RetentionWatcher(watching, limits), watching, 65_000);
    assert.equal(readFinishedNote(watching.workdir, "/work/requests/late"), undefined, what);
    if (what === "time") assert.ok(readRequest(watching.workdir, "req"), what);
  }
});

Deno.test("neither our clock nor the cluster's makes anything old by a leap of ten years", async () => {
  const watching = make();
  const watcher = new RetentionWatcher(watching, limits);
  await finish(watching, "req", 1);
  await run(watcher, watching, 1_000);
  const end = readFinishedNote(watching.workdir, "/work/requests/req");
  watching.clock.setNow(watching.clock.now() + 3_650 * DAY_MS);
  watching.kube.aheadMs = 3_650 * DAY_MS;
  seeCluster(watching);
  await finish(watching, "other", 1);
  await run(watcher, watching, 65_000);
  assert.deepEqual(readFinishedNote(watching.workdir, "/work/requests/req"), end);
  assert.ok(
    (readFinishedNote(watching.workdir, "/work/requests/other")?.endedAt ?? Infinity) < (end?.endedAt ?? 0) + 120,
  );
});

Deno.test("an end that was noted in the future is noted anew", async () => {
  const watching = make();
  watching.kube.aheadMs = 3_650 * DAY_MS;
  await finish(watching, "req", 1);
  await run(new RetentionWatcher(watching, limits), watching, 1_000);
  watching.kube.aheadMs = 0;
  seeCluster(watching);
  await pass(new RetentionWatcher(watching, limits), watching, 8);
  assert.deepEqual(left(watching), []);
});

Deno.test("one that is broken holds up no other, and goes once it is whole", async () => {
  const watching = make();
  const watcher = new RetentionWatcher(watching, limits);
  for (const id of ["a", "b", "c"]) await finish(watching, id, 2);
  const broken = ["/work/pods-status/b-1", "/work/requests/.old-c"];
  const isBroken = (name: string, path: string) => name.startsWith("remove") && broken.includes(path);
  watching.files.failWhere(({ name, paths: [path = ""] }) => isBroken(name, path), notPermitted());
  await pass(watcher, watching, 8);
  assert.deepEqual(watching.workdir.names("/work/requests"), []);
  assert.deepEqual(watching.workdir.names("/work/pods-status"), ["b-1"]);
  watching.files.before = () => {};
  seeCluster(watching);
  await run(watcher, watching, 65_000);
  assert.deepEqual(left(watching), []);
});

Deno.test("before an end is noted, all that may be told of it lasts", async () => {
  const watching = make();
  for (const path of ["pods-status", "machines"]) await watching.files.sync(`/work/${path}`);
  await finish(watching, "req", 1);
  watching.files.before = ({ name, paths }) => {
    if (name !== "symlink" || !paths[1]?.startsWith("/work/requests/req/")) return;
    const lasting = watching.files.crash("synced").tree("/work");
    assert.ok("pods-status/req-0" in lasting && "machines/req-0" in lasting);
    watching.files.before = () => {};
  };
  await run(new RetentionWatcher(watching, limits), watching, 1_000);
  assert.ok(readFinishedNote(watching.workdir, "/work/requests/req"));
});

Deno.test("what was removed stays removed when the power fails later", async () => {
  const watching = make();
  const watcher = new RetentionWatcher(watching, limits);
  await finish(watching, "one", 1);
  for (const path of ["pods-status", "machines"]) await watching.files.sync(`/work/${path}`);
  await pass(watcher, watching, 8);
  await watching.files.sync("/work/requests");
  await watching.files.sync("/work");
  assert.deepEqual(left(memoryWatching({ files: watching.files.crash("synced") })), []);
});

Deno.test("a request that has come anew under the id of one that is being removed keeps its words", async () => {
  const watching = make();
  await finish(watching, "req", 1);
  await run(new RetentionWatcher(watching, limits), watching, 1_000);
  watching.files.rename("/work/requests/req", "/work/requests/.old-req");
  await ask(watching, "req", 1);
  writeState(watching.workdir, "req-0", "running");
  await run(new RetentionWatcher(watching, limits), watching, 65_000);
  assert.deepEqual(watching.workdir.names("/work/requests"), ["req"]);
  assert.equal(watching.workdir.readLink("/work/pods-status/req-0"), "running");
  assert.ok(!left(watching).some((path) => path.includes(".old-")));
});

Deno.test("what was given back stays a success without its return request, also after a power failure", async () => {
  const watching = make();
  const { workdir, files } = watching;
  await ask(watching, "req", 2);
  for (const name of ["req-0", "req-1"]) settleMachine(workdir, "req", name);
  await markProcessed(workdir, "req");
  writeState(workdir, "req-0", "deleted");
  writeTombstone(workdir, "req-0", { up: true, returned: true, givenUp: false, message: "Returned by Symphony" });
  writeState(workdir, "req-1", "running");
  await giveBack(watching, "ret", "req-0");
  await markReturnProcessed(workdir, "ret");
  for (const path of ["requests/req", "requests", "pods-status", "."]) await files.sync(`/work/${path}`);
  await pass(new RetentionWatcher(watching, limits), watching, 1);
  const beforeIt = memoryWatching({ files: files.crash("names"), clock: watching.clock, kube: watching.kube });
  await pass(new RetentionWatcher(beforeIt, limits), beforeIt, 7);
  assert.equal(readReturn(beforeIt.workdir, "ret"), undefined);
  assert.equal(tell(beforeIt, "req")[0]?.machines[0]?.result, "succeed");

  await pass(new RetentionWatcher(watching, limits), watching, 7);
  assert.equal(readReturn(workdir, "ret"), undefined);
  const afterIt = memoryWatching({ files: files.crash("names"), clock: watching.clock });
  assert.equal(tell(afterIt, "req")[0]?.machines[0]?.result, "succeed");
});

for (const leaves of ["everything", "synced", "names"] as const) {
  Deno.test(`killed at any operation, every answer is the one before or 'long past', and nothing stays (${leaves})`, async () => {
    for (let n = 0;; n++) {
      const watching = make();
      await finish(watching, "one", 2);
      await finish(watching, "two", 1);
      await giveBack(watching, "ret", "one-1");
      await markReturnProcessed(watching.workdir, "ret");
      for (const path of ["requests", "requests/one", "requests/two", "return-requests", "views", "."]) {
        await watching.files.sync(`/work/${path}`);
      }
      for (const path of ["one-0", "one-1", "two-0"]) await watching.files.sync(`/work/machines/${path}`);
      for (const path of ["pods-status", "machines"]) await watching.files.sync(`/work/${path}`);
      await watching.files.sync("/work/views/pods.json");
      const answers = (one: MemoryWatching) =>
        tell(one, "one", "two", "ret").map((answer) =>
          answer.message?.endsWith("or is long past") ? "past" : JSON.stringify(answer)
        );
      const before = answers(watching);
      const start = watching.files.writes.length;
      await watching.clock.advance(1_000);
      watching.files.killAt(n);
      const watcher = new RetentionWatcher(watching, { ...limits, retainMachines: 1 });
      await run(watcher, watching, 65_000).catch(() => {});
      const isOver = watching.files.writes.length - start <= n;
      const { clock, kube } = watching;
      const after = memoryWatching({ files: watching.files.crash(leaves), clock, kube, seed: 2 });
      for (const [i, answer] of answers(after).entries()) {
        assert.ok(answer === "past" || answer === before[i], `killed at ${n}: ${answer}`);
      }
      seeCluster(after);
      await pass(new RetentionWatcher(after, limits), after, 8);
      assert.deepEqual(left(after).filter((path) => !/\.new-/.test(path)), [], `killed at ${n}`);
      assert.equal(readTombstone(after.workdir, "one-0"), undefined);
      if (isOver) break;
    }
  });
}
