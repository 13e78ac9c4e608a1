import assert from "node:assert/strict";
import type { ContainerStateTerminated, ContainerStatus, Pod, PodStatus } from "../../src/kube/types.ts";
import { disruptionReason, endedByDeletion, failureReason, pendingReason } from "../../src/machine/failure_reason.ts";
import { ourPod } from "../support/memory_dependencies.ts";

function ended(name: string, exitCode: number, more: Partial<ContainerStateTerminated> = {}): ContainerStatus {
  return { name, ready: false, restartCount: 0, state: { terminated: { exitCode, ...more } } };
}

const failed = (containerStatuses: ContainerStatus[], more: PodStatus = {}) =>
  ourPod("a-0", { phase: "Failed", containerStatuses, ...more });
const onNode = (pod: Pod): Pod => ({ ...pod, spec: { ...pod.spec, nodeName: "n1" } });
const withSidecar = (pod: Pod, sidecar: ContainerStatus): Pod => ({
  ...pod,
  spec: { ...pod.spec, initContainers: [{ name: "prepare" }, { name: sidecar.name, restartPolicy: "Always" }] },
  status: { ...pod.status, initContainerStatuses: [ended("prepare", 0), sidecar] },
});
const target = (reason: string, message: string): PodStatus => ({
  conditions: [{ type: "DisruptionTarget", status: "True", reason, message }],
});

// As the API server had them: kubelet evictions and shutdowns, the scheduler, the taint manager and the collector of 1.36.
const failures: [what: string, pod: Pod, reason: string][] = [
  ["out of memory", failed([ended("c", 137, { reason: "OOMKilled" })]), "container c: OOMKilled (exit code 137)"],
  [
    "out of memory beside one that ended with it",
    failed([ended("a", 143, { reason: "Error" }), ended("b", 137, { reason: "OOMKilled" })]),
    "container b: OOMKilled (exit code 137)",
  ],
  [
    "failed beside one that is done",
    failed([ended("a", 0, { reason: "Completed" }), ended("b", 1, { reason: "Error", message: "no\n licence " })]),
    "container b: Error: no licence (exit code 1)",
  ],
  [
    "failed before the others did",
    failed([
      ended("a", 1, { reason: "Error", message: "b is gone", finishedAt: "2026-11-20T00:00:09Z" }),
      ended("b", 7, { reason: "Error", message: "disk is broken", finishedAt: "2026-11-20T00:00:01Z" }),
    ]),
    "container b: Error: disk is broken (exit code 7)",
  ],
  [
    "failed, and its sidecar was ended then",
    withSidecar(failed([ended("c", 3, { reason: "Error" })]), ended("sidecar", 137, { reason: "OOMKilled" })),
    "container c: Error (exit code 3)",
  ],
  ["ended by a signal", failed([ended("c", 139, { signal: 11 })]), "container c: it ended (signal 11)"],
  [
    "evicted",
    onNode(failed([], { reason: "Evicted", message: "The node was low on resource: memory." })),
    "Evicted: The node was low on resource: memory. (node n1)",
  ],
  [
    "shut down with its node",
    failed([], { reason: "Terminated", message: "Pod was terminated in response to imminent node shutdown." }),
    "Terminated: Pod was terminated in response to imminent node shutdown.",
  ],
  [
    "preempted",
    failed([], target("PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod")),
    "PreemptionByScheduler: default-scheduler: preempting to accommodate a higher priority pod",
  ],
  [
    "on a node that is lost",
    onNode(failed([], target("DeletionByPodGC", "PodGC: node no longer exists"))),
    "DeletionByPodGC: PodGC: node no longer exists (node n1)",
  ],
  [
    "on a node that does not answer",
    failed([], target("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint")),
    "DeletionByTaintManager: Taint manager: deleting due to NoExecute taint",
  ],
  ["of unknown cause", failed([]), "the cluster gives no reason"],
];
for (const [what, pod, reason] of failures) {
  Deno.test(`a pod that failed says why: ${what}`, () => assert.equal(failureReason(pod), reason));
}

Deno.test("last words of a program are cut where they are long", () => {
  const reason = failureReason(failed([ended("c", 1, { message: "x".repeat(4_096) })]));
  assert.ok(reason.length < 600 && reason.endsWith("… (exit code 1)"), reason);
});

Deno.test("a disruption that was called off is none", () => {
  const pod = ourPod("a-0", { conditions: [{ type: "DisruptionTarget", status: "False", reason: "x" }] });
  assert.equal(disruptionReason(pod), undefined);
});

const unready: PodStatus = {
  phase: "Running",
  conditions: [
    { type: "PodScheduled", status: "True" },
    { type: "Ready", status: "False", reason: "ContainersNotReady", message: "containers with unready status: [c]" },
  ],
};
function waiting(name: string, reason: string): ContainerStatus {
  return { name, ready: false, restartCount: 0, state: { waiting: { reason } } };
}
const initializing: PodStatus = {
  conditions: [{
    type: "Initialized",
    status: "False",
    reason: "ContainersNotInitialized",
    message: "containers with incomplete status: [prepare]",
  }],
  initContainerStatuses: [{ name: "prepare", ready: false, restartCount: 0, state: { running: {} } }],
  containerStatuses: [waiting("c", "PodInitializing")],
};
for (
  const [what, status, reason] of [
    ["new", {}, "not scheduled"],
    [
      "held up by an init container that runs",
      initializing,
      "ContainersNotInitialized: containers with incomplete status: [prepare]",
    ],
    ["initializing and does not say what", { ...initializing, conditions: [] }, "container c: PodInitializing"],
    [
      "held up by its second container",
      { containerStatuses: [waiting("c", "ContainerCreating"), waiting("d", "CreateContainerError")] },
      "container d: CreateContainerError",
    ],
    ["unready", unready, "ContainersNotReady: containers with unready status: [c]"],
    ["silent", { phase: "Running" }, "it does not say that it is Ready"],
  ] as [string, PodStatus, string][]
) {
  Deno.test(`a pod that waits says why: one that is ${what}`, () => {
    assert.equal(pendingReason(ourPod("a-0", status)), reason);
  });
}

Deno.test("a pod that waits for its node's preparations says so before it names a container", () => {
  const pod = onNode(ourPod("a-0", {
    conditions: [{ type: "PodReadyToStartContainers", status: "False" }, ...initializing.conditions ?? []],
    containerStatuses: [waiting("c", "ContainerCreating")],
  }));
  assert.equal(
    pendingReason(pod),
    "node n1 has not made ready the pod's volumes, sandbox or network (PodReadyToStartContainers is False)",
  );
  const pulls = { ...pod.status, containerStatuses: [waiting("c", "ErrImagePull")] };
  assert.equal(pendingReason({ ...pod, status: pulls }), "container c: ErrImagePull");
});

const deletedAt = { deletionTimestamp: "2026-11-20T00:01:00Z", deletionGracePeriodSeconds: 30 };
for (
  const [what, finishedAt, metadata, byDeletion] of [
    ["after it was deleted", "2026-11-20T00:00:31Z", deletedAt, true],
    ["before it was deleted", "2026-11-20T00:00:29Z", deletedAt, false],
    ["and no one deletes it", "2026-11-20T00:00:31Z", {}, false],
  ] as const
) {
  Deno.test(`a pod that failed ${what} was ${byDeletion ? "" : "not "}ended by its deletion`, () => {
    const status: PodStatus = { phase: "Failed", containerStatuses: [ended("c", 137, { finishedAt })] };
    assert.equal(endedByDeletion(ourPod("a-0", status, metadata)), byDeletion);
  });
}

Deno.test("a pod that failed when it was deleted did not fail by itself because its sidecar had crashed before", () => {
  const pod = ourPod("a-0", {
    phase: "Failed",
    containerStatuses: [ended("c", 143, { finishedAt: "2026-11-20T00:00:31Z" })],
  }, deletedAt);
  assert.equal(endedByDeletion(withSidecar(pod, ended("sidecar", 1, { finishedAt: "2026-11-20T00:00:09Z" }))), true);
});

for (
  const [what, finishedAt, metadata, byDeletion] of [
    ["after it was deleted", ["2026-11-20T00:00:31Z"], deletedAt, true],
    ["in part before it was deleted", ["2026-11-20T00:00:29Z", "2026-11-20T00:00:31Z"], deletedAt, true],
    ["at a time that no one knows", [], deletedAt, true],
    ["before it was deleted", ["2026-11-20T00:00:28Z", "2026-11-20T00:00:29Z"], deletedAt, false],
    ["and no one deletes it", ["2026-11-20T00:00:31Z"], {}, false],
  ] as const
) {
  Deno.test(`a pod that succeeded ${what} was ${byDeletion ? "" : "not "}ended by its deletion`, () => {
    const containerStatuses = finishedAt.map((time, i) => ended(`c${i}`, 0, { finishedAt: time }));
    assert.equal(endedByDeletion(ourPod("a-0", { phase: "Succeeded", containerStatuses }, metadata)), byDeletion);
  });
}
