import assert from "node:assert/strict";
import { DirectoryLocks } from "../../src/serve/directory_locks.ts";
import { readHolder } from "../../src/workdir/store/lock_holder.ts";
import { MemoryLocks } from "../support/memory_locks.ts";
import { memoryProvider } from "../support/memory_provider.ts";

const WATCHERS = ["pods", "expiry"];

/** Processes of one host on one work directory. */
function host() {
  const { workdir } = memoryProvider();
  const locks = new MemoryLocks();
  const start = (pid: number) => {
    const holder = { host: "a", pid, command: "hostfactory serve", since: "then" };
    const own = new DirectoryLocks({ workdir, locks: locks.process(), watchers: WATCHERS, holder });
    const serve = () => {
      assert.equal(own.take(), undefined);
      own.note({ lease: `a_${pid}`, standby: "it has just begun" });
    };
    return { own, serve };
  };
  return { workdir, start };
}

Deno.test("who finds the locks of a process free that ended takes its lease for that of the dead", () => {
  const { start } = host();
  const [first, second] = [start(1), start(2)];
  first.serve();
  assert.equal(second.own.take()?.pid, 1);
  assert.ok(!second.own.isDead("a_1"));
  first.own.release();
  assert.equal(second.own.take(), undefined);
  assert.ok(second.own.isDead("a_1"));
});

Deno.test("who finds the locks of a process free that goes on asking for the lease does not take it for dead", () => {
  const { start, workdir } = host();
  const [first, second] = [start(1), start(2)];
  first.serve();
  first.own.letGo();
  assert.equal(second.own.take(), undefined);
  assert.ok(!second.own.isDead("a_1"));
  const { standby, lease } = readHolder(workdir, "pods") ?? {};
  assert.deepEqual([standby, lease], ["it has just begun", undefined]);
});

Deno.test("who lets go of locks leaves the notes of others as they are", () => {
  const { start, workdir } = host();
  const [first, second] = [start(1), start(2)];
  first.serve();
  first.own.release();
  assert.equal(second.own.take(), undefined);
  second.own.letGo();
  assert.equal(readHolder(workdir, "expiry")?.lease, "a_1");
});
