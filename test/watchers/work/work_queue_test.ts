import assert from "node:assert/strict";
import { KubeError } from "../../../src/kube/errors.ts";
import { WorkQueue } from "../../../src/watchers/work/work_queue.ts";
import { memoryDependencies } from "../../support/memory_dependencies.ts";
import { settled } from "../../support/simulated_clock.ts";

/** A queue whose calls end when they are told to. */
function make(concurrency = 2) {
  const dependencies = memoryDependencies();
  const calls: { key: string; end: (waitMs: number | undefined) => void; fail: (error: unknown) => void }[] = [];
  const failures: [key: string, failures: number][] = [];
  let idle = 0;
  const queue = new WorkQueue<string>(dependencies, {
    concurrency,
    call: (key) => new Promise((end, fail) => calls.push({ key, end, fail })),
    failed: (key, { failures: times }) => failures.push([key, times]),
    idle: () => idle++,
  });
  const add = (...keys: string[]) => {
    for (const key of keys) queue.add(key, key);
    queue.start();
  };
  return { dependencies, queue, calls, failures, add, idle: () => idle };
}

Deno.test("keys are called for in their order, as many at once as the lane lets, each once", async () => {
  const { queue, calls, add } = make();
  add("a", "b", "a", "c");
  assert.deepEqual(calls.map(({ key }) => key), ["a", "b"]);
  add("b", "c");
  calls[0]!.end(1_000);
  await settled();
  assert.deepEqual(calls.map(({ key }) => key), ["a", "b", "c"]);
  assert.equal(queue.size, 3);
});

Deno.test("a key that was called for cannot be added again before its time", async () => {
  const { dependencies, queue, calls, add } = make();
  add("a");
  calls[0]!.end(1_000);
  await settled();
  assert.ok(queue.isBusy("a"));
  assert.equal(queue.nextMs, dependencies.clock.monotonic() + 1_000);
  add("a");
  assert.equal(calls.length, 1);
  await dependencies.clock.advance(1_000);
  assert.equal(calls.length, 1, "it is not tried by itself");
  add("a");
  assert.equal(calls.length, 2);
});

Deno.test("its backlog is all of its keys, and those that failed the last time", async () => {
  const { queue, calls, add } = make(2);
  add("a", "b", "c");
  calls[0]!.fail(new KubeError("conflict", "no"));
  await settled();
  assert.deepEqual(queue.backlog, { all: 3, failed: 1 });
  calls[1]!.end(undefined);
  calls[2]!.end(1_000);
  await settled();
  assert.deepEqual(queue.backlog, { all: 2, failed: 1 });
});

Deno.test("a key that failed waits longer each time, and from the start again once it worked", async () => {
  const { dependencies, queue, calls, failures, add } = make();
  const waits: number[] = [];
  for (let n = 0; n < 5; n++) {
    add("a");
    calls[n]!.fail(new KubeError("conflict", "no"));
    await settled();
    waits.push(queue.nextMs - dependencies.clock.monotonic());
    await dependencies.clock.advance(waits[n]!);
  }
  assert.ok(waits[4]! > waits[0]! * 4, `${waits}`);
  add("a");
  calls[5]!.end(0);
  await settled();
  add("a");
  calls[6]!.fail(new KubeError("conflict", "no"));
  await settled();
  assert.deepEqual(failures.map(([, times]) => times), [1, 2, 3, 4, 5, 1]);
});

Deno.test("a key that is forgotten in flight is not called for a second time beside that", async () => {
  const { queue, calls, add } = make();
  add("a");
  queue.forget("a");
  add("a");
  assert.equal(calls.length, 1);
  calls[0]!.end(1_000);
  await settled();
  assert.equal(queue.size, 0);
  add("a");
  assert.equal(calls.length, 2);
});

Deno.test("what no one wants any more is not called for", () => {
  const { queue, calls, add } = make(1);
  add("a", "b", "c");
  queue.retain((key) => key !== "b");
  assert.equal(queue.size, 2);
  assert.deepEqual(calls.map(({ key }) => key), ["a"]);
});

Deno.test("the owner is told when nothing is queued any more", async () => {
  const { calls, add, idle } = make(1);
  add("a", "b");
  calls[0]!.end(undefined);
  await settled();
  assert.deepEqual([calls.length, idle()], [2, 1], "the last one has begun, and nothing is queued");
  calls[1]!.end(undefined);
  await settled();
  assert.equal(idle(), 2);
});

Deno.test("nothing is begun once the process is to stop", async () => {
  const { dependencies, calls, add, queue } = make(1);
  add("a", "b");
  dependencies.stop();
  calls[0]!.end(undefined);
  await queue.drained();
  assert.equal(calls.length, 1);
});
