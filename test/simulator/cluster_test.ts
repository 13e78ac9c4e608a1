import assert from "node:assert/strict";
import type { Pod } from "../../src/kube/types.ts";
import type { FaultInput } from "../../src/simulator/faults/faults.ts";
import { Fixture, podOf, PODS } from "./fixture.ts";

/** All that a cluster says in a minute of trouble. */
async function traceOf(seed: number): Promise<string> {
  using fixture = new Fixture({ seed });
  fixture.cluster.setFault({ name: "image-pull-fails", share: 0.2 });
  fixture.cluster.setFault({ name: "evictions", share: 0.05 });
  fixture.cluster.setFault({ name: "failing", share: 0.1, verbs: ["create"] });
  fixture.cluster.setFault({ name: "slow", latencyMs: 5, jitterMs: 50 });
  const watch = await fixture.clock.runWhile(fixture.watch("timeoutSeconds=60"));
  const creates = Array.from({ length: 50 }, (_, index) => fixture.create(`p-${index}`));
  await Promise.all(creates);
  await fixture.clock.advance(61_000);
  await watch.done;
  return JSON.stringify(watch.events);
}

Deno.test("the same seed gives the same cluster, byte for byte, and another seed another", async () => {
  const trace = await traceOf(11);
  assert.equal(await traceOf(11), trace);
  assert.notEqual(await traceOf(12), trace);
});

/** A fault, what is asked, and what is answered: a status and words, or a connection that breaks. */
const answers: [FaultInput, [string, string, unknown?], number | "broken", RegExp][] = [
  [
    { name: "quota", limit: 1 },
    ["POST", PODS, podOf("x")],
    403,
    /exceeded quota: simulated, requested: pods=1, used: pods=1/,
  ],
  [{ name: "pod-security" }, ["POST", PODS, podOf("x")], 403, /pods "x" is forbidden: violates PodSecurity/],
  [
    { name: "forbidden" },
    ["POST", PODS, podOf("x")],
    403,
    /pods is forbidden: User "admin" cannot create resource "pods"/,
  ],
  [{ name: "unauthorised" }, ["GET", PODS], 401, /Unauthorized/],
  [{ name: "failing" }, ["GET", PODS], 500, /Internal error occurred: etcdserver: request timed out/],
  [{ name: "failing", status: 429, retryAfterSeconds: 7 }, ["GET", PODS], 429, /"retryAfterSeconds":7/],
  [{ name: "failing", status: 503 }, ["GET", PODS], 503, /currently unable to handle/],
  [{ name: "failing", status: 504 }, ["GET", PODS], 504, /Timeout: request did not complete/],
  [
    { name: "expired-watches", how: "status" },
    ["GET", `${PODS}?watch=1&resourceVersion=1005`],
    410,
    /too old resource/,
  ],
  [{ name: "lost-requests" }, ["POST", PODS, podOf("x")], "broken", /connection closed/],
  [{ name: "lost-answers" }, ["DELETE", `${PODS}/there`], "broken", /connection closed/],
];
for (const [fault, [method, path, body], expected, words] of answers) {
  Deno.test(`the fault '${fault.name}' answers ${expected}, as often as it says and no more`, async () => {
    using fixture = new Fixture({ stages: [] });
    await fixture.create("there");
    fixture.cluster.setFault({ ...fault, count: 1 } as FaultInput);
    const given = fixture.send(method, path, body).then(
      async (response) => [response.status, await response.text()] as const,
      (error) => ["broken", String(error)] as const,
    );
    const [status, text] = await given;
    assert.equal(status, expected);
    assert.match(text.replaceAll('\\"', '"'), words);
    assert.deepEqual(fixture.cluster.listFaults(), [], "it is off after its last strike");
    assert.equal(fixture.cluster.getPod("there") === undefined, fault.name === "lost-answers", "done or not done");
  });
}

Deno.test("429 carries its delay as a header too", async () => {
  using fixture = new Fixture();
  fixture.cluster.setFault({ name: "failing", status: 429, retryAfterSeconds: 7 });
  assert.equal((await fixture.ask("GET", PODS)).headers.get("retry-after"), "7");
});

Deno.test("a fault strikes only the verbs and paths that it names, and not once it is cleared", async () => {
  using fixture = new Fixture({ stages: [] });
  fixture.cluster.setFault({ name: "failing", verbs: ["create"], paths: ["/namespaces/default/"] });
  assert.equal((await fixture.create("x")).status, 500);
  assert.equal((await fixture.ask("GET", PODS)).status, 200);
  assert.equal((await fixture.ask("POST", "/api/v1/namespaces/kube-system/pods", podOf("x"))).status, 201);
  fixture.cluster.clearFault("failing");
  assert.equal((await fixture.create("x")).status, 201);
});

Deno.test("a slow API takes its time, and no longer than the caller waits", async () => {
  using fixture = new Fixture();
  fixture.cluster.setFault({ name: "slow", latencyMs: 1000, jitterMs: 500 });
  const before = fixture.clock.monotonic();
  await fixture.ask("GET", PODS);
  const tookMs = fixture.clock.monotonic() - before;
  assert.ok(tookMs >= 1000 && tookMs <= 1500, `${tookMs} ms`);
  const abort = new AbortController();
  const asked = fixture.send("GET", PODS, undefined, { signal: abort.signal });
  abort.abort(new Error("no longer wanted"));
  await assert.rejects(asked, /no longer wanted/);
});

Deno.test("a stale read shows what was there a while ago", async () => {
  using fixture = new Fixture({ stages: [] });
  await fixture.create("old");
  await fixture.clock.advance(10_000);
  await fixture.create("new");
  fixture.cluster.setFault({ name: "stale-reads", ageMs: 5000 });
  assert.deepEqual((await fixture.list()).items.map(({ metadata }) => metadata.name), ["old"]);
  assert.equal((await fixture.ask("GET", `${PODS}/new`)).status, 404);
});

Deno.test("small pages hold no more than was said, and all of them everything; a list without a limit is whole", async () => {
  using fixture = new Fixture({ stages: [] });
  for (const name of ["a", "b", "c"]) await fixture.create(name);
  fixture.cluster.setFault({ name: "small-pages", items: 2 });
  const first = await fixture.list("?limit=500");
  assert.deepEqual(first.items.map(({ metadata }) => metadata.name), ["a", "b"]);
  const second = await fixture.list(`?limit=500&continue=${first.metadata.continue}`);
  assert.deepEqual(second.items.map(({ metadata }) => metadata.name), ["c"]);
  assert.equal(second.metadata.continue, undefined);
  assert.equal((await fixture.list("?limit=1")).items.length, 1);
  assert.equal((await fixture.list()).items.length, 3);
});

Deno.test("evictions and preemption take running pods away on a period", async () => {
  using fixture = new Fixture();
  for (const name of ["a", "b"]) await fixture.create(name);
  await fixture.allRunning(2);
  fixture.cluster.setFault({ name: "evictions", periodMs: 100, count: 1, message: "no disk" });
  await fixture.clock.advance(100);
  const evicted = fixture.cluster.listPods().find(({ status }) => status?.phase === "Failed");
  assert.deepEqual([evicted?.status?.reason, evicted?.status?.message], ["Evicted", "no disk"]);
  const preempted: Pod[] = [];
  fixture.cluster.onPodChange(({ type, object }) => void (type === "DELETED" && preempted.push(object)));
  fixture.cluster.setFault({ name: "preemption", periodMs: 100 });
  await fixture.clock.advance(1000);
  assert.equal(preempted[0]?.status?.conditions?.at(-1)?.reason, "PreemptionByScheduler");
  assert.equal(fixture.cluster.countPods().total, 1);
});

Deno.test("watches are dropped, or go silent, where a fault says so", async () => {
  using fixture = new Fixture({ stages: [] });
  fixture.cluster.setFault({ name: "dropped-watches", periodMs: 500, count: 1 });
  const dropped = await fixture.watch("");
  await fixture.clock.advance(500);
  await dropped.done;
  assert.equal(dropped.ended, "broken");
  fixture.cluster.setFault({ name: "half-open-watches" });
  const silent = await fixture.watch(`resourceVersion=${fixture.cluster.revision}`);
  fixture.cluster.clearFaults();
  await fixture.create("p");
  assert.deepEqual(await silent.said(), []);
});

Deno.test("a node takes its pods with it, and takes none while it is cordoned or tainted", async () => {
  using fixture = new Fixture({ nodes: { count: 2 } });
  fixture.cluster.cordonNode("node-0000");
  await fixture.create("a");
  await fixture.allRunning(1);
  assert.equal(fixture.cluster.getPod("a")?.spec.nodeName, "node-0001");
  fixture.cluster.removeNode("node-0001");
  assert.equal(fixture.cluster.countPods().total, 0);
  fixture.cluster.cordonNode("node-0000", false);
  fixture.cluster.taintNode("node-0000", { key: "spot/gone", effect: "NoSchedule" });
  await fixture.create("b");
  await fixture.clock.advance(500);
  assert.equal(
    fixture.cluster.getPod("b")?.status?.conditions?.[0]?.message,
    "0/1 nodes are available: 1 node(s) had untolerated taint {spot/gone: }.",
  );
  fixture.cluster.untaintNode("node-0000", "spot/gone");
  await fixture.allRunning(1);
});

Deno.test("a node that is cordoned or not ready has the taints that say so, since when, and only as long", async () => {
  using fixture = new Fixture({ nodes: { count: 1 } });
  const { cluster, clock } = fixture;
  const taints = () =>
    cluster.listNodes()[0]?.spec.taints?.map(({ key, effect, timeAdded }) => [key, effect, timeAdded]);
  const since = () => new Date(clock.now()).toISOString().replace(".000", "");
  cluster.taintNode("node-0000", { key: "mine", effect: "NoSchedule" });
  const mine = ["mine", "NoSchedule", undefined];
  const cordon = ["node.kubernetes.io/unschedulable", "NoSchedule", since()];
  await fixture.ask("PATCH", "/api/v1/nodes/node-0000", { spec: { unschedulable: true } });
  assert.deepEqual(taints(), [mine, cordon]);
  await clock.advance(5_000);
  cluster.setNodeCondition("node-0000", { type: "Ready", status: "Unknown" });
  const lost = ["NoSchedule", "NoExecute"].map((effect) => ["node.kubernetes.io/unreachable", effect, since()]);
  assert.deepEqual(taints(), [mine, cordon, ...lost]);
  cluster.cordonNode("node-0000", false);
  assert.deepEqual(taints(), [mine, ...lost]);
  cluster.setNodeCondition("node-0000", { type: "Ready", status: "True" });
  assert.deepEqual(taints(), [mine]);
});

Deno.test("a resource quota counts the pods that have not ended", async () => {
  using fixture = new Fixture();
  const quota = { metadata: { name: "q" }, spec: { hard: { pods: "2" } } };
  await fixture.ask("POST", "/api/v1/namespaces/default/resourcequotas", quota);
  await fixture.create("a");
  await fixture.create("b");
  const { status, body } = await fixture.create("c");
  assert.equal(status, 403);
  assert.match(
    (body as { message?: string }).message ?? "",
    /exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2$/,
  );
  await fixture.allRunning(2);
  fixture.cluster.evict("a");
  assert.equal((await fixture.create("c")).status, 201);
});

Deno.test("nothing is left waiting after the stop", async () => {
  const fixture = new Fixture();
  fixture.cluster.setFault({ name: "evictions" });
  const watch = await fixture.watch("");
  await fixture.create("p");
  fixture.cluster.stop();
  await watch.done;
  assert.equal(watch.ended, "clean");
  await fixture.clock.advance(0);
  assert.equal(fixture.clock.nextMs, undefined);
});
