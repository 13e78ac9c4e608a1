import assert from "node:assert/strict";
import fc from "fast-check";
import type { RequestStatusAnswer } from "../../../src/hf/answers.ts";
import { MACHINE_STATES } from "../../../src/hf/status.ts";
import { getRequestStatus } from "../../../src/verbs/get_request_status.ts";
import { RetentionWatcher } from "../../../src/watchers/gc/watcher.ts";
import { readFinishedNote } from "../../../src/workdir/finished_note.ts";
import { readGone, writeGone } from "../../../src/workdir/index/gone_machines.ts";
import { readTombstone, writeState, writeTombstone } from "../../../src/workdir/machines.ts";
import { markProcessed, readRequest, settleMachine } from "../../../src/workdir/requests.ts";
import { markReturnProcessed, readReturn } from "../../../src/workdir/returns.ts";
import { writeSyncStatus } from "../../../src/workdir/index/sync_status.ts";
import { atOnce } from "../../support/at_once.ts";
import { existingIds, furnishExisting } from "../../support/legacy_workdir.ts";
import { notPermitted } from "../../support/memory_files.ts";
import { memoryProvider } from "../../support/memory_provider.ts";
import { ask, giveBack, type MemoryDependencies, memoryDependencies, run } from "../../support/memory_dependencies.ts";

const DAY_MS = 24 * 3_600_000;
const limits = { retainSeconds: 7 * 24 * 3_600, retainMachines: 1_000 };

/** The view is believed for as long as the test lasts. */
function seeCluster(dependencies: MemoryDependencies): void {
  const now = Math.floor(dependencies.clock.now() / 1000);
  writeSyncStatus(dependencies.workdir, "pods", { completeAt: now, heardAt: now });
}

function make(): MemoryDependencies {
  const dependencies = memoryDependencies();
  seeCluster(dependencies);
  return dependencies;
}

/** A request whose machines are all gone. */
async function finish(dependencies: MemoryDependencies, id: string, count: number): Promise<void> {
  const { workdir } = dependencies;
  await ask(dependencies, id, count);
  for (let i = 0; i < count; i++) {
    settleMachine(workdir, id, `${id}-${i}`);
    writeState(workdir, `${id}-${i}`, "deleted");
    const ended = { up: true, returned: false, givenUp: false, message: "gone", uid: `uid-${id}-${i}` };
    writeTombstone(workdir, `${id}-${i}`, ended);
  }
  await markProcessed(workdir, id);
}

/** What Symphony is told of requests and return requests. */
function tell({ files, clock }: MemoryDependencies, ...ids: string[]): RequestStatusAnswer[] {
  const requests = ids.map((requestId) => ({ requestId }));
  return getRequestStatus(memoryProvider({ files, clock }), { requests }).requests;
}

Deno.test("with a request go the notes of its lost machines, and of return requests those that no one needs", async () => {
  const dependencies = make();
  const { workdir, files } = dependencies;
  await finish(dependencies, "req", 2);
  await writeGone(workdir, ["req-0", "other-0"], atOnce);
  await giveBack(dependencies, "open", "other-0");
  await giveBack(dependencies, "done", "other-0");
  for (const id of ["done", "never"]) files.writeText(`/work/returning/${id}`, "");
  files.writeText("/work/return-requests/done/.processed", "");
  await pass(new RetentionWatcher(dependencies, limits), dependencies, 8);
  assert.deepEqual(readGone(workdir), ["other-0"]);
  assert.deepEqual(workdir.names("/work/returning"), ["open"]);
});

/** Lets so many days pass, with a look before and after. */
async function pass(watcher: RetentionWatcher, dependencies: MemoryDependencies, days: number): Promise<void> {
  seeCluster(dependencies);
  await run(watcher, dependencies, 61_000);
  await dependencies.clock.advance(days * DAY_MS);
  seeCluster(dependencies);
  await run(watcher, dependencies, 65_000);
}

/** What is left of requests and machines, hidden names included. */
function left({ files }: MemoryDependencies): string[] {
  const paths = Object.keys(files.tree("/work"));
  return paths.filter((path) => /^(requests|return-requests|pods-status|machines|pods)\/./.test(path));
}

Deno.test("a request goes with all that is known of its machines, seven days after its end was seen, and not before", async () => {
  const dependencies = make();
  const watcher = new RetentionWatcher(dependencies, limits);
  await dependencies.clock.advance(3 * DAY_MS);
  await finish(dependencies, "req", 450);
  seeCluster(dependencies);
  const before = left(dependencies);
  await pass(watcher, dependencies, 6.9);
  assert.deepEqual(left(dependencies).filter((path) => !path.endsWith(".ended")), before);
  await pass(watcher, dependencies, 0.2);
  assert.deepEqual(left(dependencies), []);
});

Deno.test("a return request of nothing that we know goes as well, be it all that there is", async () => {
  const dependencies = make();
  await giveBack(dependencies, "ret");
  await markReturnProcessed(dependencies.workdir, "ret");
  await pass(new RetentionWatcher(dependencies, limits), dependencies, 8);
  assert.deepEqual(left(dependencies), []);
});

Deno.test("when it came to its end outlasts restarts", async () => {
  const dependencies = make();
  await finish(dependencies, "req", 1);
  for (let day = 0; day < 7; day++) {
    await pass(new RetentionWatcher(dependencies, limits), dependencies, 1);
    assert.equal(readRequest(dependencies.workdir, "req") === undefined, day === 6);
  }
});

Deno.test("whatever state a machine is in, its request goes only if all of them are over", async () => {
  const machine = fc.record({
    state: fc.constantFrom(undefined, ...MACHINE_STATES),
    hasPod: fc.boolean(),
    returning: fc.boolean(),
  });
  const request = fc.record({ machines: fc.array(machine, { minLength: 1, maxLength: 3 }), processed: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(request, async ({ machines, processed }) => {
      const dependencies = make();
      const { workdir, files } = dependencies;
      await ask(dependencies, "req", machines.length);
      for (const [i, { state, hasPod, returning }] of machines.entries()) {
        if (state) writeState(workdir, `req-${i}`, state);
        if (hasPod) files.writeText(`/work/pods/req-${i}`, "{}");
        if (returning) await giveBack(dependencies, `ret${i}`, `req-${i}`);
      }
      if (processed) await markProcessed(workdir, "req");
      const before = left(dependencies);
      await pass(new RetentionWatcher(dependencies, limits), dependencies, 30);
      const isOver = processed &&
        machines.every(({ state, hasPod, returning }) =>
          !hasPod && !returning && (state === "deleted" || state === "failed" || state === "succeeded")
        );
      assert.deepEqual(left(dependencies), isOver ? [] : before);
    }),
    { numRuns: 200, seed: 1 },
  );
});

Deno.test("a request is kept while a return request of its machines is under way, and as long as that is", async () => {
  const dependencies = make();
  const watcher = new RetentionWatcher(dependencies, limits);
  await finish(dependencies, "req", 2);
  await pass(watcher, dependencies, 5);
  await giveBack(dependencies, "ret", "req-0");
  await pass(watcher, dependencies, 5);
  assert.ok(readRequest(dependencies.workdir, "req"));
  await pass(watcher, dependencies, 1);
  await markReturnProcessed(dependencies.workdir, "ret");
  await giveBack(dependencies, "again", "req-1");
  await markReturnProcessed(dependencies.workdir, "again");
  await pass(watcher, dependencies, 6);
  assert.deepEqual(tell(dependencies, "ret", "req").map(({ machines }) => machines.map(({ machineId }) => machineId)), [
    ["uid-req-0"],
    ["uid-req-0", "uid-req-1"],
  ]);
  await giveBack(dependencies, "once-more", "req-1");
  await markReturnProcessed(dependencies.workdir, "once-more");
  await pass(watcher, dependencies, 6);
  assert.ok(readRequest(dependencies.workdir, "req"));
  await pass(watcher, dependencies, 2);
  assert.deepEqual(left(dependencies), []);
});

Deno.test("a return request goes on its own time, though another machine of the request goes on", async () => {
  const dependencies = make();
  await finish(dependencies, "req", 2);
  writeState(dependencies.workdir, "req-1", "running");
  await giveBack(dependencies, "ret", "req-0");
  await markReturnProcessed(dependencies.workdir, "ret");
  await pass(new RetentionWatcher(dependencies, limits), dependencies, 8);
  assert.equal(readReturn(dependencies.workdir, "ret"), undefined);
  assert.equal(readRequest(dependencies.workdir, "req")?.machines.length, 2);
});

Deno.test("a machine of the legacy plug-in keeps its result when its return request goes", async () => {
  const dependencies = make();
  furnishExisting(dependencies.files, "");
  const before = tell(dependencies, existingIds.running);
  assert.equal(before[0]?.machines[0]?.status, "terminated");
  await pass(new RetentionWatcher(dependencies, limits), dependencies, 8);
  assert.equal(readReturn(dependencies.workdir, existingIds.return), undefined);
  assert.deepEqual(tell(dependencies, existingIds.running), before);
});

Deno.test("of too many those that ended first go at once", async () => {
  const dependencies = make();
  const watcher = new RetentionWatcher(dependencies, { ...limits, retainMachines: 30 });
  for (const id of ["a", "b", "c", "d"]) {
    await finish(dependencies, id, 1);
    seeCluster(dependencies);
    await run(watcher, dependencies, 110_000);
  }
  assert.deepEqual(dependencies.workdir.names("/work/requests").sort(), ["b", "c", "d"]);
});

Deno.test("what goes on after its end was noted is kept, and its end is noted again", async () => {
  const dependencies = make();
  const watcher = new RetentionWatcher(dependencies, limits);
  await finish(dependencies, "req", 1);
  await run(watcher, dependencies, 1_000);
  dependencies.files.writeText("/work/pods/req-0", "{}");
  await pass(watcher, dependencies, 8);
  assert.ok(readRequest(dependencies.workdir, "req"));
  assert.equal(readFinishedNote(dependencies.workdir, "/work/requests/req"), undefined);
  dependencies.files.remove("/work/pods/req-0");
  seeCluster(dependencies);
  await pass(watcher, dependencies, 1);
  assert.ok(
    (readFinishedNote(dependencies.workdir, "/work/requests/req")?.endedAt ?? 0) * 1000 >
      dependencies.clock.now() - 2 * DAY_MS,
  );
});

Deno.test("nothing goes while the cluster is not in view, or has not told its time", async () => {
  for (const [what, before] of [["time", 0], ["view", 8]] as const) {
    const dependencies = make();
    await finish(dependencies, "req", 1);
    await pass(new RetentionWatcher(dependencies, limits), dependencies, before);
    if (what === "time") dependencies.kube.aheadMs = undefined;
    else dependencies.files.remove("/work/views/pods.json");
    await finish(dependencies, "late", 1);
    await dependencies.clock.advance(8 * DAY_MS);
    if (what === "time") seeCluster(dependencies);
    await run(new RetentionWatcher(dependencies, limits), dependencies, 65_000);
    assert.equal(readFinishedNote(dependencies.workdir, "/work/requests/late"), undefined, what);
    if (what === "time") assert.ok(readRequest(dependencies.workdir, "req"), what);
  }
});

Deno.test("neither our clock nor the cluster's makes anything old by a leap of ten years", async () => {
  const dependencies = make();
  const watcher = new RetentionWatcher(dependencies, limits);
  await finish(dependencies, "req", 1);
  await run(watcher, dependencies, 1_000);
  const end = readFinishedNote(dependencies.workdir, "/work/requests/req");
  dependencies.clock.setNow(dependencies.clock.now() + 3_650 * DAY_MS);
  dependencies.kube.aheadMs = 3_650 * DAY_MS;
  seeCluster(dependencies);
  await finish(dependencies, "other", 1);
  await run(watcher, dependencies, 65_000);
  assert.deepEqual(readFinishedNote(dependencies.workdir, "/work/requests/req"), end);
  assert.ok(
    (readFinishedNote(dependencies.workdir, "/work/requests/other")?.endedAt ?? Infinity) < (end?.endedAt ?? 0) + 120,
  );
});

Deno.test("an end that was noted in the future is noted again", async () => {
  const dependencies = make();
  dependencies.kube.aheadMs = 3_650 * DAY_MS;
  await finish(dependencies, "req", 1);
  await run(new RetentionWatcher(dependencies, limits), dependencies, 1_000);
  dependencies.kube.aheadMs = 0;
  seeCluster(dependencies);
  await pass(new RetentionWatcher(dependencies, limits), dependencies, 8);
  assert.deepEqual(left(dependencies), []);
});

Deno.test("one that is broken holds up no other, and goes once it is whole", async () => {
  const dependencies = make();
  const watcher = new RetentionWatcher(dependencies, limits);
  for (const id of ["a", "b", "c"]) await finish(dependencies, id, 2);
  const broken = ["/work/pods-status/b-1", "/work/requests/.old-c"];
  const isBroken = (name: string, path: string) => name.startsWith("remove") && broken.includes(path);
  dependencies.files.failWhere(({ name, paths: [path = ""] }) => isBroken(name, path), notPermitted());
  await pass(watcher, dependencies, 8);
  assert.deepEqual(dependencies.workdir.names("/work/requests"), []);
  assert.deepEqual(dependencies.workdir.names("/work/pods-status"), ["b-1"]);
  dependencies.files.before = () => {};
  seeCluster(dependencies);
  await run(watcher, dependencies, 65_000);
  assert.deepEqual(left(dependencies), []);
});

Deno.test("before an end is noted, all that may be told of it lasts", async () => {
  const dependencies = make();
  for (const path of ["pods-status", "machines"]) await dependencies.files.sync(`/work/${path}`);
  await finish(dependencies, "req", 1);
  dependencies.files.before = ({ name, paths }) => {
    if (name !== "symlink" || !paths[1]?.startsWith("/work/requests/req/")) return;
    const lasting = dependencies.files.crash("synced").tree("/work");
    assert.ok("pods-status/req-0" in lasting && "machines/req-0" in lasting);
    dependencies.files.before = () => {};
  };
  await run(new RetentionWatcher(dependencies, limits), dependencies, 1_000);
  assert.ok(readFinishedNote(dependencies.workdir, "/work/requests/req"));
});

Deno.test("what was removed stays removed when the power fails later", async () => {
  const dependencies = make();
  const watcher = new RetentionWatcher(dependencies, limits);
  await finish(dependencies, "one", 1);
  for (const path of ["pods-status", "machines"]) await dependencies.files.sync(`/work/${path}`);
  await pass(watcher, dependencies, 8);
  await dependencies.files.sync("/work/requests");
  await dependencies.files.sync("/work");
  assert.deepEqual(left(memoryDependencies({ files: dependencies.files.crash("synced") })), []);
});

Deno.test("a request that has come again under the id of one that is being removed keeps its states", async () => {
  const dependencies = make();
  await finish(dependencies, "req", 1);
  await run(new RetentionWatcher(dependencies, limits), dependencies, 1_000);
  dependencies.files.rename("/work/requests/req", "/work/requests/.old-req");
  await ask(dependencies, "req", 1);
  writeState(dependencies.workdir, "req-0", "running");
  await run(new RetentionWatcher(dependencies, limits), dependencies, 65_000);
  assert.deepEqual(dependencies.workdir.names("/work/requests"), ["req"]);
  assert.equal(dependencies.workdir.readLink("/work/pods-status/req-0"), "running");
  assert.ok(!left(dependencies).some((path) => path.includes(".old-")));
});

Deno.test("what was given back stays a success without its return request, also after a power failure", async () => {
  const dependencies = make();
  const { workdir, files } = dependencies;
  await ask(dependencies, "req", 2);
  for (const name of ["req-0", "req-1"]) settleMachine(workdir, "req", name);
  await markProcessed(workdir, "req");
  writeState(workdir, "req-0", "deleted");
  writeTombstone(workdir, "req-0", { up: true, returned: true, givenUp: false, message: "Returned by Symphony" });
  writeState(workdir, "req-1", "running");
  await giveBack(dependencies, "ret", "req-0");
  await markReturnProcessed(workdir, "ret");
  for (const path of ["requests/req", "requests", "pods-status", "."]) await files.sync(`/work/${path}`);
  await pass(new RetentionWatcher(dependencies, limits), dependencies, 1);
  const beforeIt = memoryDependencies({
    files: files.crash("names"),
    clock: dependencies.clock,
    kube: dependencies.kube,
  });
  await pass(new RetentionWatcher(beforeIt, limits), beforeIt, 7);
  assert.equal(readReturn(beforeIt.workdir, "ret"), undefined);
  assert.equal(tell(beforeIt, "req")[0]?.machines[0]?.result, "succeed");

  await pass(new RetentionWatcher(dependencies, limits), dependencies, 7);
  assert.equal(readReturn(workdir, "ret"), undefined);
  const afterIt = memoryDependencies({ files: files.crash("names"), clock: dependencies.clock });
  assert.equal(tell(afterIt, "req")[0]?.machines[0]?.result, "succeed");
});

for (const leaves of ["everything", "synced", "names"] as const) {
  Deno.test(`killed at any operation, every answer is the one before or 'long past', and nothing stays (${leaves})`, async () => {
    for (let n = 0;; n++) {
      const dependencies = make();
      await finish(dependencies, "one", 2);
      await finish(dependencies, "two", 1);
      await giveBack(dependencies, "ret", "one-1");
      await markReturnProcessed(dependencies.workdir, "ret");
      for (const path of ["requests", "requests/one", "requests/two", "return-requests", "views", "."]) {
        await dependencies.files.sync(`/work/${path}`);
      }
      for (const path of ["one-0", "one-1", "two-0"]) await dependencies.files.sync(`/work/machines/${path}`);
      for (const path of ["pods-status", "machines"]) await dependencies.files.sync(`/work/${path}`);
      await dependencies.files.sync("/work/views/pods.json");
      const answers = (one: MemoryDependencies) =>
        tell(one, "one", "two", "ret").map((answer) =>
          answer.message?.endsWith("or is long past") ? "past" : JSON.stringify(answer)
        );
      const before = answers(dependencies);
      const start = dependencies.files.writes.length;
      await dependencies.clock.advance(1_000);
      dependencies.files.killAt(n);
      const watcher = new RetentionWatcher(dependencies, { ...limits, retainMachines: 1 });
      await run(watcher, dependencies, 65_000).catch(() => {});
      const isOver = dependencies.files.writes.length - start <= n;
      const { clock, kube } = dependencies;
      const after = memoryDependencies({ files: dependencies.files.crash(leaves), clock, kube, seed: 2 });
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
