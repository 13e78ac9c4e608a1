import assert from "node:assert/strict";
import type { Pod } from "../../../src/kube/types.ts";
import { BEHAVIOUR_LABEL } from "../../../src/simulator/behaviour/lifecycle.ts";
import { parseStages } from "../../../src/simulator/behaviour/stages.ts";
import { defaultStages } from "../../../src/simulator/behaviour/default_stages.ts";
import { Fixture, PODS } from "../fixture.ts";

function behaving(behaviour: string) {
  return { labels: { [BEHAVIOUR_LABEL]: behaviour } };
}

function waitingReason(pod: Pod | undefined): string | undefined {
  return pod?.status?.containerStatuses?.[0]?.state?.waiting?.reason;
}

Deno.test("a pod is scheduled, made ready with an address, and gone soon after its delete", async () => {
  using fixture = new Fixture();
  const watch = await fixture.watch(`resourceVersion=${fixture.cluster.revision}`);
  await fixture.create("p");
  await fixture.clock.advance(600);
  const { body: pod } = await fixture.ask<Pod>("GET", `${PODS}/p`);
  assert.equal(pod.status?.phase, "Running");
  assert.match(pod.spec.nodeName ?? "", /^node-/);
  assert.match(pod.status?.podIP ?? "", /^10\./);
  assert.deepEqual(
    pod.status?.conditions?.map(({ type, status }) => `${type} ${status}`),
    ["PodScheduled True", "Initialized True", "Ready True", "ContainersReady True"],
  );
  await fixture.ask("DELETE", `${PODS}/p`);
  await fixture.clock.advance(400);
  assert.equal((await fixture.ask("GET", `${PODS}/p`)).status, 404);
  assert.deepEqual(await watch.said(), [
    "ADDED p Pending",
    "MODIFIED p Pending",
    "MODIFIED p Pending",
    "MODIFIED p Running",
    "MODIFIED p Running deleting",
    "MODIFIED p Running deleting",
    "DELETED p Running deleting",
  ]);
});

for (
  const [behaviour, ending] of Object.entries<(pod: Pod) => boolean>({
    "image-pull-fails": (pod) => waitingReason(pod) === "ErrImagePull" && pod.status?.phase === "Pending",
    "never-ready": ({ status }) =>
      status?.phase === "Running" && status.containerStatuses?.[0]?.ready === false &&
      status.conditions?.find(({ type }) => type === "Ready")?.status === "False",
    "crashes": ({ status }) =>
      status?.phase === "Failed" && status.containerStatuses?.[0]?.state?.terminated?.reason === "OOMKilled",
    "config-error": (pod) => waitingReason(pod) === "CreateContainerConfigError",
    "crash-loops": (pod) =>
      waitingReason(pod) === "CrashLoopBackOff" &&
      pod.status?.containerStatuses?.[0]?.lastState?.terminated?.reason === "OOMKilled",
    "completes": ({ status }) =>
      status?.phase === "Succeeded" && status.containerStatuses?.[0]?.state?.terminated?.exitCode === 0,
    "evicted": ({ status }) =>
      status?.phase === "Failed" && status.reason === "Evicted" && status.message !== undefined,
    "unschedulable": ({ status }) =>
      status?.conditions?.[0]?.reason === "Unschedulable" &&
      /^0\/10 nodes are available: 10 Insufficient cpu/.test(status.conditions[0].message ?? ""),
  })
) {
  Deno.test(`a pod with the behaviour '${behaviour}' comes to that end`, async () => {
    using fixture = new Fixture();
    await fixture.create("p", behaving(behaviour));
    await fixture.clock.runUntil(() => ending(fixture.cluster.getPod("p")!), { withinMs: 3000 });
  });
}

Deno.test("a pod that hangs on delete is gone only once it is deleted without grace", async () => {
  using fixture = new Fixture();
  await fixture.create("p", behaving("hangs-on-delete"));
  await fixture.allRunning(1);
  await fixture.ask("DELETE", `${PODS}/p`);
  await fixture.clock.advance(3_600_000);
  assert.equal(fixture.cluster.countPods().deleting, 1);
  await fixture.ask("DELETE", `${PODS}/p`, { gracePeriodSeconds: 0 });
  assert.equal(fixture.cluster.countPods().total, 0);
});

Deno.test("a deletion never takes longer than its grace, nor than a shorter one that is asked for later", async () => {
  const document = {
    defaults: true,
    stages: [{ name: "delete", match: { deleting: true }, delayMs: 600_000, next: { delete: true } }],
  };
  using fixture = new Fixture({ stages: parseStages(document, { source: "test", defaults: defaultStages }) });
  await fixture.create("p");
  await fixture.allRunning(1);
  await fixture.ask("DELETE", `${PODS}/p`, { gracePeriodSeconds: 60 });
  await fixture.clock.advance(2000);
  await fixture.ask("DELETE", `${PODS}/p`, { gracePeriodSeconds: 5 });
  assert.equal(fixture.cluster.getPod("p")?.metadata.deletionGracePeriodSeconds, 5);
  await fixture.clock.advance(3001);
  assert.equal(fixture.cluster.countPods().total, 0);
});

Deno.test("weights decide how many pods come to which end", async () => {
  const document = {
    defaults: true,
    stages: [
      { name: "stays", match: { phase: ["Running"], deleting: false }, weight: 9 },
      { name: "fails", match: { phase: ["Running"], deleting: false }, next: { phase: "Failed" } },
    ],
  };
  using fixture = new Fixture({ stages: parseStages(document, { source: "test", defaults: defaultStages }), seed: 5 });
  for (let index = 0; index < 1000; index++) await fixture.create(`p-${index}`);
  await fixture.clock.advance(60_000);
  const { Failed = 0, Running = 0 } = fixture.cluster.countPods().phases;
  assert.equal(Failed + Running, 1000);
  assert.ok(Failed > 70 && Failed < 130, `${Failed} of 1000 failed, with seed 5`);
});

Deno.test("a pod waits for room, in the scheduler's words, and takes it when there is some", async () => {
  using fixture = new Fixture({ nodes: { count: 2, cpus: 1 } });
  const spec = { containers: [{ name: "c", image: "b", resources: { requests: { cpu: "600m" } } }] };
  for (const name of ["a", "b", "c"]) await fixture.create(name, { spec });
  await fixture.clock.advance(5000);
  const waiting = fixture.cluster.listPods().find(({ status }) => status?.phase === "Pending");
  assert.equal(waiting?.status?.conditions?.[0]?.message, "0/2 nodes are available: 2 Insufficient cpu.");
  const running = fixture.cluster.listPods().find(({ status }) => status?.phase === "Running");
  fixture.cluster.deletePod(running?.metadata.name ?? "");
  const name = waiting?.metadata.name ?? "";
  await fixture.clock.runUntil(() => fixture.cluster.getPod(name)?.status?.phase === "Running", { withinMs: 5000 });
});

Deno.test("a pod with a finalizer stays until the finalizer is gone", async () => {
  using fixture = new Fixture();
  await fixture.ask("POST", PODS, {
    metadata: { name: "p", finalizers: ["example.com/hold"] },
    spec: { containers: [{ name: "c", image: "b" }] },
  });
  await fixture.ask("DELETE", `${PODS}/p`, { gracePeriodSeconds: 0 });
  assert.equal(fixture.cluster.countPods().deleting, 1);
  await fixture.ask("PATCH", `${PODS}/p`, { metadata: { finalizers: null } });
  assert.equal(fixture.cluster.countPods().total, 0);
});
