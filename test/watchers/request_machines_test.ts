import assert from "node:assert/strict";
import fc from "fast-check";
import { KubeError, type KubeErrorKind } from "../../src/kube/errors.ts";
import { RequestMachinesWatcher, shareSlots } from "../../src/watchers/request_machines.ts";
import { readMachineRecord, readStatusWord, writeStatusWord } from "../../src/workdir/machines.ts";
import { readRequest } from "../../src/workdir/requests.ts";
import { existingIds, furnishExisting } from "../support/existing_workdir.ts";
import { noSpace, notPermitted } from "../support/memory_files.ts";
import { ask, giveBack, type MemoryWatching, memoryWatching, ourPod, run } from "../support/memory_watching.ts";
import { settled } from "../support/simulated_clock.ts";

const shares: [
  what: string,
  requests: [ready: number, inFlight: number][],
  limit: number,
  free: number,
  given: number[],
][] = [
  ["nobody asks", [], 8, 8, []],
  ["nothing is ready", [[0, 3], [0, 0]], 8, 5, [0, 0]],
  ["one alone gets all", [[20, 0]], 8, 8, [8]],
  ["no more than there is to do", [[3, 0]], 8, 8, [3]],
  ["the oldest gets half, the next the other half", [[20, 0], [20, 0]], 8, 8, [4, 4]],
  ["the others share theirs", [[20, 0], [20, 0], [20, 0]], 8, 8, [4, 2, 2]],
  ["what the oldest does not need is the others'", [[1, 0], [20, 0]], 8, 8, [1, 7]],
  ["what the others do not need is the oldest's", [[20, 0], [1, 0]], 8, 8, [7, 1]],
  ["one that has nothing under way comes before one that has", [[20, 4], [20, 3], [20, 0]], 8, 1, [0, 0, 1]],
  ["the oldest catches up first", [[20, 1], [20, 7]], 8, 2, [2, 0]],
];
for (const [what, requests, limit, free, given] of shares) {
  Deno.test(`slots are shared: ${what}`, () => {
    assert.deepEqual(
      shareSlots(requests.map(([ready, inFlight]) => ({ ready, inFlight, lastStart: 0 })), { limit, free }),
      given,
    );
  });
}

Deno.test("whoever asks, no slot is idle while there is work, none is given twice, and the oldest gets its half", () => {
  const request = fc.record({ ready: fc.nat(40), inFlight: fc.nat(6), lastStart: fc.nat(9) });
  fc.assert(fc.property(fc.array(request, { maxLength: 12 }), fc.integer({ min: 2, max: 64 }), (requests, limit) => {
    const inFlight = requests.reduce((sum, one) => sum + one.inFlight, 0);
    const free = Math.max(0, limit - inFlight);
    const given = shareSlots(requests, { limit, free });
    const work = requests.reduce((sum, one) => sum + one.ready, 0);
    assert.equal(given.reduce((sum, one) => sum + one, 0), Math.min(free, work));
    for (const [i, one] of requests.entries()) assert.ok((given[i] ?? 0) <= one.ready);
    const oldest = requests.findIndex(({ ready }) => ready > 0);
    if (oldest < 0) return;
    const fair = Math.min(
      requests[oldest]!.ready,
      free,
      Math.max(0, Math.ceil(limit / 2) - requests[oldest]!.inFlight),
    );
    assert.ok((given[oldest] ?? 0) >= fair);
  }));
});

Deno.test("however many ask, nobody starves", () => {
  fc.assert(fc.property(fc.integer({ min: 2, max: 10 }), fc.integer({ min: 2, max: 16 }), (count, limit) => {
    const requests = Array.from({ length: count }, () => ({ ready: 1_000, inFlight: 0, lastStart: 0 }));
    const served = requests.map(() => 0);
    for (let round = 0; round < 200; round++) {
      const inFlight = requests.reduce((sum, one) => sum + one.inFlight, 0);
      for (const [i, n] of shareSlots(requests, { limit, free: limit - inFlight }).entries()) {
        requests[i]!.inFlight += n;
        if (n > 0) requests[i]!.lastStart = round + 1;
        served[i]! += n;
      }
      // One call after the other ends, in turn.
      const ending = requests.map((_, i) => (i + round) % count).find((i) => requests[i]!.inFlight > 0) ?? 0;
      requests[ending]!.inFlight--;
    }
    assert.ok(served.every((n) => n > 0), `${served}`);
  }));
});

/** A watcher, and what it made of its machines. */
function watch(watching: MemoryWatching): { watcher: RequestMachinesWatcher; go: (ms?: number) => Promise<unknown> } {
  const watcher = new RequestMachinesWatcher(watching, () => {});
  return { watcher, go: (ms) => run(watcher, watching, ms) };
}

function words({ workdir }: MemoryWatching, id: string): (string | undefined)[] {
  return readRequest(workdir, id)!.machines.map(({ name }) => readStatusWord(workdir, name));
}

function assertHandled({ workdir }: MemoryWatching, id: string): void {
  const request = readRequest(workdir, id);
  assert.deepEqual(request?.machines.filter(({ pending }) => pending), []);
  assert.equal(request?.processed, true);
}

Deno.test("every machine of every request gets its pod, and no more calls are under way than may be", async () => {
  const watching = memoryWatching({ concurrency: 4 });
  watching.kube.latencyMs = 20;
  ask(watching, "one", 10);
  ask(watching, "two", 3);
  await watch(watching).go();
  assert.equal(watching.kube.pods.size, 13);
  assert.equal(watching.kube.calls.length, 13);
  assert.equal(watching.kube.mostInFlight, 4);
  for (const id of ["one", "two"]) assertHandled(watching, id);
  const { labels, annotations } = watching.kube.pods.get("one-7")!.metadata;
  assert.equal(labels?.["symphony/hostfactory-instance"], "k8s-hf");
  assert.match(annotations?.["symphony/hostfactory-request"] ?? "", /"count":10,"index":7/);
});

Deno.test("a small request that comes later does not wait for a large one", async () => {
  const watching = memoryWatching({ concurrency: 4 });
  watching.kube.latencyMs = 20;
  ask(watching, "large", 200);
  await watching.clock.advance(1_000);
  ask(watching, "small", 2);
  await watch(watching).go();
  const order = watching.kube.named("createPod");
  assert.ok(order.indexOf("small-1") < 8, `small-1 was created as number ${order.indexOf("small-1")}`);
});

Deno.test("what is done already is not done again, also after a restart", async () => {
  const watching = memoryWatching();
  ask(watching, "req", 3);
  await watch(watching).go();
  const [calls, writes] = [watching.kube.calls.length, watching.files.writes.length];
  await watch(watching).go();
  assert.equal(watching.kube.calls.length, calls);
  assert.equal(watching.files.writes.length, writes);
});

Deno.test("a pod that exists and is ours is a success; one that is not is an error, and stays", async () => {
  const watching = memoryWatching();
  ask(watching, "req", 3);
  watching.kube.put(ourPod("req-0"));
  watching.kube.put(ourPod("req-1", {}, { labels: { app: "somebody's" } }));
  await watch(watching).go();
  assert.deepEqual(words(watching, "req"), ["creating", "failed", "creating"]);
  assert.match(readMachineRecord(watching.workdir, "req-1")?.message ?? "", /'req-1'.*exists and is not ours/);
  assert.equal(watching.kube.pods.get("req-1")?.metadata.labels?.["app"], "somebody's");
  assertHandled(watching, "req");
});

for (const kind of ["quota", "forbidden", "invalid"] as const) {
  Deno.test(`a pod that is refused for good (${kind}) is asked for once, and the machine fails in the server's words`, async () => {
    const watching = memoryWatching();
    ask(watching, "req", 3);
    watching.kube.fail("createPod", new KubeError(kind, "the server's words"), { name: "req-1" });
    await watch(watching).go();
    assert.deepEqual(watching.kube.named("createPod").filter((name) => name === "req-1"), ["req-1"]);
    assert.deepEqual(words(watching, "req"), ["creating", "failed", "creating"]);
    assert.deepEqual(readMachineRecord(watching.workdir, "req-1"), {
      up: false,
      returned: false,
      givenUp: true,
      message: "the server's words",
    });
    assert.equal(watching.kube.pods.size, 2);
    assertHandled(watching, "req");
  });
}

for (const kind of ["unavailable", "throttled", "unauthorised", "notFound"] as KubeErrorKind[]) {
  Deno.test(`trouble that may pass (${kind}) is waited for with growing patience, and everything is created`, async () => {
    const watching = memoryWatching();
    ask(watching, "req", 20);
    watching.kube.fail("createPod", new KubeError(kind, "not now"));
    const { go } = watch(watching);
    await go(60_000);
    assert.equal(watching.kube.pods.size, 0);
    if (kind !== "notFound") {
      assert.ok(watching.kube.calls.length < 40, `${watching.kube.calls.length} calls in a minute`);
    }
    watching.kube.recover();
    await go(60_000);
    assert.equal(watching.kube.pods.size, 20);
    assertHandled(watching, "req");
  });
}

Deno.test("a server that asks to wait is not asked by anybody until then", async () => {
  const watching = memoryWatching({ concurrency: 4 });
  watching.kube.latencyMs = 10;
  ask(watching, "req", 40);
  const startMs = watching.clock.monotonic();
  watching.kube.fail("createPod", new KubeError("throttled", "slow down", { retryAfterMs: 10_000 }), { times: 1 });
  await watch(watching).go(30_000);
  const late = watching.kube.calls.filter(({ atMs }) => atMs > startMs + 20 && atMs < startMs + 10_000);
  assert.deepEqual(late, []);
  assert.equal(watching.kube.pods.size, 40);
});

for (const refreshedByOthers of [false, true]) {
  Deno.test(`a machine that is returned before its pod is created is never created${refreshedByOthers ? ", whoever sees the return first" : ""}`, async () => {
    const watching = memoryWatching({ concurrency: 2 });
    watching.kube.fail("createPod", new KubeError("unavailable", "away"));
    ask(watching, "req", 6);
    const { go } = watch(watching);
    await go(5_000);
    giveBack(watching, "ret", "req-3", "req-5");
    if (refreshedByOthers) watching.returns.refresh(watching.clock.now());
    await go(2_000);
    watching.kube.recover();
    await go(60_000);
    assert.deepEqual([...watching.kube.pods.keys()].sort(), ["req-0", "req-1", "req-2", "req-4"]);
    assert.deepEqual(words(watching, "req"), ["creating", "creating", "creating", "deleted", "creating", "deleted"]);
    assert.equal(readMachineRecord(watching.workdir, "req-3")?.returned, true);
    assertHandled(watching, "req");
  });
}

Deno.test("a machine that was returned before the request was taken up is never created", async () => {
  const watching = memoryWatching();
  ask(watching, "req", 2);
  giveBack(watching, "ret", "req-0", "req-1");
  await watch(watching).go();
  assert.deepEqual(watching.kube.calls, []);
  assertHandled(watching, "req");
});

Deno.test("a machine that ended before a crash, its entry still pending, is settled and not created", async () => {
  const watching = memoryWatching();
  ask(watching, "req", 4);
  for (const [i, word] of (["failed", "deleted", "succeeded"] as const).entries()) {
    writeStatusWord(watching.workdir, `req-${i}`, word);
  }
  await watch(watching).go();
  assert.deepEqual(watching.kube.named("createPod"), ["req-3"]);
  assertHandled(watching, "req");
});

Deno.test("a broken manifest fails its request, with the reason, and no other", async () => {
  const watching = memoryWatching();
  ask(watching, "bad", 2);
  ask(watching, "good", 1);
  watching.files.writeText("/work/requests/bad/.manifest.json", '{"kind":"Pod"}');
  await watch(watching).go();
  assert.deepEqual(words(watching, "bad"), ["failed", "failed"]);
  assert.match(readMachineRecord(watching.workdir, "bad-0")?.message ?? "", /pod manifest.*of request bad.*apiVersion/);
  assert.deepEqual([...watching.kube.pods.keys()], ["good-0"]);
  for (const id of ["bad", "good"]) assertHandled(watching, id);
});

Deno.test("what cannot be read now is taken up later, and holds up nothing that came with it", async () => {
  const watching = memoryWatching();
  for (const id of ["one", "two", "three"]) ask(watching, id, 1);
  watching.files.failWhere(({ name, paths }) => name === "list" && paths[0] === "/work/requests/two", notPermitted());
  const { go } = watch(watching);
  await go(2_000);
  assert.deepEqual([...watching.kube.pods.keys()].sort(), ["one-0", "three-0"]);
  watching.files.before = () => {};
  await go(5_000);
  assert.deepEqual([...watching.kube.pods.keys()].sort(), ["one-0", "three-0", "two-0"]);
});

Deno.test("a full disk delays the note that a pod was created, and creates no second pod", async () => {
  const watching = memoryWatching();
  ask(watching, "req", 2);
  const { go, watcher } = watch(watching);
  await watcher.step(watching.stopping);
  watching.files.failWhere(({ name }) => name === "writeText", noSpace());
  await settled();
  for (let i = 0; i < 5; i++) {
    await watcher.step(watching.stopping).catch(() => {});
    await watching.clock.advance(1_000);
  }
  watching.files.before = () => {};
  await go();
  assert.equal(watching.kube.pods.size, 2);
  assertHandled(watching, "req");
});

Deno.test("a request of the existing plug-in is created from the manifest that its links lead to", async () => {
  const watching = memoryWatching();
  furnishExisting(watching.files, "");
  await watch(watching).go();
  const id = existingIds.notPickedUp;
  assert.deepEqual([...watching.kube.pods.keys()].sort(), [`${id}-0`, `${id}-1`]);
  assert.equal(watching.kube.pods.get(`${id}-0`)?.spec.containers[0]?.image, "symphony:7.3.2");
  assertHandled(watching, id);
});

Deno.test("what is no request is left alone", async () => {
  const watching = memoryWatching();
  watching.files.makeDirectory("/work/requests/Not A Request");
  watching.files.writeText("/work/requests/file", "");
  const before = watching.files.tree("/work");
  await watch(watching).go(3_000);
  assert.deepEqual(watching.files.tree("/work"), before);
});

Deno.test("told to stop, it ends what is under way and starts nothing; the rest is done after the next start", async () => {
  const watching = memoryWatching({ concurrency: 2 });
  watching.kube.latencyMs = 100;
  ask(watching, "req", 5);
  const { watcher } = watch(watching);
  await watcher.step(watching.stopping);
  watching.stop();
  const drained = watcher.drained();
  await watching.clock.advance(1_000);
  await drained;
  assert.equal(watching.kube.pods.size, 2);
  assert.equal(readRequest(watching.workdir, "req")?.machines.filter(({ pending }) => pending).length, 3);
  const next = memoryWatching({ files: watching.files, clock: watching.clock, kube: watching.kube });
  await watch(next).go();
  assert.equal(next.kube.pods.size, 5);
  assertHandled(next, "req");
});

Deno.test("calls that do not end in time are cut off, and their machines are pending still", async () => {
  const watching = memoryWatching();
  watching.kube.latencyMs = 1e9;
  ask(watching, "req", 1);
  const { watcher } = watch(watching);
  await watcher.step(watching.stopping);
  watching.stop();
  watching.end();
  await watcher.drained();
  assert.equal(readRequest(watching.workdir, "req")?.machines[0]?.pending, true);
  assert.deepEqual(words(watching, "req"), ["creating"]);
});
