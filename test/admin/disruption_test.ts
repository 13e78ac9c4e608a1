import assert from "node:assert/strict";
import { choosePods, choosePodsOnNodes, deleteChosen, evictChosen } from "../../src/admin/disruption.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { seededRandom } from "../../src/random.ts";
import { FakeKube } from "../support/fake_kube.ts";
import { memoryProvider } from "../support/memory_provider.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

const ours = { "symphony/hostfactory-instance": "k8s-hf" };

/** A cluster with three pods of ours on two nodes, one that waits, and pods of others. */
function cluster() {
  const clock = new SimulatedClock();
  const kube = new FakeKube(clock);
  const { workdir } = memoryProvider({ clock });
  const put = (name: string, labels: Record<string, string>, nodeName?: string) => {
    const pod = kube.put({ metadata: { name, labels }, spec: { containers: [], ...(nodeName ? { nodeName } : {}) } });
    if (name !== "c-1") workdir.write(workdir.layout.pod(name), JSON.stringify(pod));
  };
  put("a-0", ours, "n1");
  put("a-1", ours, "n1");
  put("b-0", ours, "n2");
  put("b-1", ours);
  put("c-0", { "symphony/hostfactory-instance": "another" }, "n1");
  put("c-1", ours, "n1"); // another site's, by the same instance name
  put("stranger", ours, "n1");
  put("database", {}, "n2");
  const signal = new AbortController().signal;
  return { kube, workdir, clock, random: seededRandom(1), instance: "k8s-hf", signal };
}

const times = { sleepSeconds: 5, timeoutSeconds: 60, told: () => {} };

Deno.test("all pods that are ours, and no other, are chosen where all are asked for", async () => {
  const chosen = await choosePods(cluster(), { names: [], count: 0 });
  assert.deepEqual(chosen.map(({ name }) => name), ["a-0", "a-1", "b-0", "b-1"]);
});

Deno.test("pods that are drawn are drawn once each", async () => {
  const chosen = await choosePods(cluster(), { names: [], count: 4 });
  assert.equal(new Set(chosen.map(({ name }) => name)).size, 4);
});

Deno.test("what is not ours cannot be named, nor are there more than there are", async () => {
  const disrupting = cluster();
  await assert.rejects(choosePods(disrupting, { names: ["c-0"], count: 1 }), /Cannot find pod 'c-0'/);
  await assert.rejects(choosePods(disrupting, { names: ["c-1"], count: 1 }), /Cannot find pod 'c-1'/);
  await assert.rejects(choosePods(disrupting, { names: [], count: 5 }), /Cannot choose 5 pods: there are 4/);
  await assert.rejects(choosePodsOnNodes(disrupting, { names: ["n9"], count: 1 }), /Cannot find node 'n9'/);
  await assert.rejects(choosePods(disrupting, { names: ["b_1"], count: 1 }), { hint: "did you mean 'b-1'?" });
  for (const name of ["a-0", "a-1", "b-0", "b-1"]) disrupting.workdir.remove(disrupting.workdir.layout.pod(name));
  const none = /Cannot choose 1 pod: there is none that '\/work' knows/;
  await assert.rejects(choosePods(disrupting, { names: [], count: 1 }), none);
});

Deno.test("a pod that is being deleted cannot be chosen, and no other is proposed in its place", async () => {
  const { kube, workdir, ...rest } = cluster();
  const metadata = { name: "a-2", labels: ours, deletionTimestamp: "2026-11-23T05:00:00Z" };
  workdir.write(workdir.layout.pod("a-2"), JSON.stringify(kube.put({ metadata, spec: { containers: [] } })));
  await assert.rejects(choosePods({ kube, workdir, ...rest }, { names: ["a-2"], count: 1 }), {
    message: "Pod 'a-2' is being deleted already",
    hint: "see 'hostfactory explain a-2'",
  });
});

Deno.test("of a node all of our pods are chosen, and a pod without a node is on none", async () => {
  const on = async (names: string[]) =>
    (await choosePodsOnNodes(cluster(), { names, count: 0 })).map(({ name }) => name);
  assert.deepEqual(await on(["n1"]), ["a-0", "a-1"]);
  assert.deepEqual(await on([]), ["a-0", "a-1", "b-0"]);
});

Deno.test("pods that are deleted are waited for until they are gone", async () => {
  const disrupting = cluster();
  const chosen = await choosePods(disrupting, { names: ["a-0", "b-1"], count: 1 });
  assert.equal(await deleteChosen(disrupting, chosen, times), 2);
  assert.deepEqual([...disrupting.kube.pods.keys()].sort(), ["a-1", "b-0", "c-0", "c-1", "database", "stranger"]);
});

Deno.test("what a disruption budget refuses is asked for again", async () => {
  const disrupting = cluster();
  const { kube, clock } = disrupting;
  const chosen = await choosePodsOnNodes(disrupting, { names: ["n1"], count: 1 });
  kube.fail("evictPod", new KubeError("throttled", "disruption budget"), { times: 2, name: "a-1" });
  const told: string[] = [];
  const evicted = evictChosen(disrupting, chosen, { ...times, told: (news) => told.push(news) });
  await clock.advance(20_000);
  assert.equal(await evicted, 2);
  assert.deepEqual(told, ["1 of 2 pods still there: disruption budget"], "told once, while it is waited for");
  assert.equal(kube.named("evictPod").filter((name) => name === "a-1").length, 3);
});

Deno.test("a drain that cordons does so first, each node once; others are left alone", async () => {
  const disrupting = cluster();
  const chosen = await choosePodsOnNodes(disrupting, { names: ["n1"], count: 1 });
  assert.equal(await evictChosen(disrupting, chosen, { ...times, cordons: true }), 2);
  const changes = disrupting.kube.calls.filter(({ call }) => !call.startsWith("list"));
  assert.deepEqual(changes.map(({ call, name }) => `${call} ${name}`), [
    "cordonNode n1",
    "evictPod a-0",
    "evictPod a-1",
  ]);
});

Deno.test("a drain that takes too long ends, and says what stands in its way", async () => {
  const disrupting = cluster();
  disrupting.kube.fail("evictPod", new KubeError("throttled", "The disruption budget d needs 2 healthy pods"));
  const chosen = await choosePodsOnNodes(disrupting, { names: ["n2"], count: 1 });
  const evicted = assert.rejects(
    evictChosen(disrupting, chosen, times),
    /Not gone after 60 s: 1 of 1 pods, such as 'b-0': The disruption budget d needs 2 healthy pods/,
  );
  await disrupting.clock.advance(70_000);
  await evicted;
});

Deno.test("a pod that has gone meanwhile is gone", async () => {
  const disrupting = cluster();
  const chosen = await choosePods(disrupting, { names: ["a-0"], count: 1 });
  disrupting.kube.pods.delete("a-0");
  assert.equal(await deleteChosen(disrupting, chosen, times), 1);
});

Deno.test("a pod of a machine's name that is not the one that the work directory knows is another's", async () => {
  const disrupting = cluster();
  disrupting.kube.pods.delete("a-0");
  disrupting.kube.put({ metadata: { name: "a-0", labels: ours }, spec: { containers: [] } });
  const chosen = await choosePods(disrupting, { names: [], count: 0 });
  assert.deepEqual(chosen.map(({ name }) => name), ["a-1", "b-0", "b-1"]);
});
