import assert from "node:assert/strict";
import type { ContainerStatus, Pod, PodStatus } from "../../src/kube/types.ts";
import { startupFailureOf } from "../../src/machine/startup_failure.ts";
import { ourPod } from "../support/memory_dependencies.ts";

const START = "2026-11-20T00:00:00Z";

function container(state: ContainerStatus["state"], more: Partial<ContainerStatus> = {}): ContainerStatus {
  return { name: "c", ready: false, restartCount: 0, ...(state ? { state } : {}), ...more };
}

const waiting = (reason: string, message = "said") => container({ waiting: { reason, message } });
const running = container({ running: { startedAt: START } }, { name: "d" });
const pod = (status: PodStatus, metadata: Pod["metadata"] = {}) => ourPod("a-0", status, metadata);
const needsReady = { annotations: { "symphony/hostfactory-request": '{"up":"Ready"}' } };

for (
  const [reason, what, isCertain] of [
    ["ErrImagePull", "image not pulled", false],
    ["ImagePullBackOff", "image not pulled", false],
    ["ErrImageNeverPull", "image not pulled", false],
    ["CreateContainerConfigError", "container not configured", false],
    ["InvalidImageName", "image name not valid", true],
  ] as const
) {
  Deno.test(`a pod whose container waits for ${reason} is hindered (${what})`, () => {
    const hindrance = { what, isCertain, reason: `container c: ${reason}: said` };
    assert.deepEqual(startupFailureOf(pod({ phase: "Pending", containerStatuses: [waiting(reason)] })), hindrance);
    const statuses = { initContainerStatuses: [waiting(reason)], containerStatuses: [waiting("PodInitializing")] };
    assert.deepEqual(startupFailureOf(pod({ phase: "Pending", ...statuses })), hindrance);
    assert.deepEqual(
      startupFailureOf(pod({ phase: "Pending", containerStatuses: [running, waiting(reason)] })),
      hindrance,
    );
  });
}

Deno.test("what is certain is said before what may pass", () => {
  const statuses = [waiting("ErrImagePull"), waiting("InvalidImageName")];
  assert.equal(startupFailureOf(pod({ phase: "Pending", containerStatuses: statuses }))?.isCertain, true);
});

for (
  const [what, status] of [
    ["comes up as usual", { phase: "Pending", containerStatuses: [waiting("ContainerCreating")] }],
    ["cannot be created now", { phase: "Pending", containerStatuses: [waiting("CreateContainerError")] }],
    ["says nothing", {}],
    ["was up and cannot pull its image any more", { phase: "Running", containerStatuses: [waiting("ErrImagePull")] }],
    ["is over", { phase: "Failed", containerStatuses: [waiting("InvalidImageName")] }],
    ["waits for a name that objects have by themselves", {
      phase: "Pending",
      containerStatuses: [waiting("constructor")],
    }],
  ] as [string, PodStatus][]
) {
  Deno.test(`a pod that ${what} is not hindered`, () => assert.equal(startupFailureOf(pod(status)), undefined));
}

/** A container between two crashes, the last of which came so many seconds after its pod's start. */
const crashing = (restartCount: number, seconds = 150) =>
  container({ waiting: { reason: "CrashLoopBackOff", message: "back-off 1m20s" } }, {
    restartCount,
    lastState: {
      terminated: {
        exitCode: 137,
        reason: "OOMKilled",
        finishedAt: new Date(Date.parse(START) + seconds * 1000).toISOString(),
      },
    },
  });

const LOOP = "container c: CrashLoopBackOff: back-off 1m20s; it was restarted 5 times, " +
  "the last time by OOMKilled (exit code 137)";

for (
  const [what, status, metadata, isLoop] of [
    ["from its start on", { phase: "Running", containerStatuses: [crashing(5)] }, {}, true],
    ["a few times", { phase: "Running", containerStatuses: [crashing(4)] }, {}, false],
    ["after it has worked for long", { phase: "Running", containerStatuses: [crashing(5, 601)] }, {}, false],
    ["in one of its containers", { phase: "Running", containerStatuses: [running, crashing(5)] }, {}, false],
    ["in an init container", { phase: "Pending", initContainerStatuses: [crashing(5, 9_999)] }, {}, true],
    [
      "in an init container that runs again after the pod has worked",
      {
        phase: "Pending",
        initContainerStatuses: [crashing(5)],
        containerStatuses: [container({ waiting: { reason: "PodInitializing" } }, {
          lastState: { terminated: { exitCode: 255, reason: "Unknown" } },
        })],
      },
      {},
      false,
    ],
    ["and has to be Ready", { phase: "Running", containerStatuses: [crashing(5, 9_999)] }, needsReady, true],
    [
      "and was Ready",
      {
        phase: "Running",
        containerStatuses: [crashing(5)],
        conditions: [
          { type: "Initialized", status: "True", lastTransitionTime: START },
          { type: "Ready", status: "False", lastTransitionTime: "2026-11-20T00:00:09Z" },
        ],
      },
      needsReady,
      false,
    ],
    [
      "from a start that no one knows",
      {
        phase: "Running",
        containerStatuses: [crashing(5)],
      },
      { creationTimestamp: "" },
      false,
    ],
  ] as [string, PodStatus, Pod["metadata"], boolean][]
) {
  Deno.test(`a pod that crashes ${what} is ${isLoop ? "" : "not "}in a crash loop for good`, () => {
    const hindrance = startupFailureOf(pod(status, metadata));
    if (isLoop) assert.deepEqual(hindrance, { what: "crash loop", isCertain: true, reason: LOOP });
    else assert.equal(hindrance, undefined);
  });
}
