import assert from "node:assert/strict";
import type { Pod, PodStatus } from "../../src/kube/types.ts";
import {
  type KnownMachine,
  type NextState,
  stateOfGone,
  stateOfPod,
  stateOfReplaced,
} from "../../src/machine/state.ts";
import type { Tombstone } from "../../src/machine/tombstone.ts";
import { ourPod } from "../support/memory_watching.ts";

const unknown: KnownMachine = { word: undefined, record: undefined, returned: false };
const record = (values: Partial<Tombstone>): Tombstone => ({
  up: false,
  returned: false,
  givenUp: false,
  message: "noted",
  ...values,
});
const pod = (status: PodStatus): Pod => ourPod("a-0", status);
const address = { uid: "uid-a-0", privateIpAddress: undefined, launchtime: Date.UTC(2026, 10, 20) / 1000 };

for (
  const [phase, word] of [
    ["Pending", "pending"],
    ["Running", "running"],
    ["Succeeded", "succeeded"],
    ["Failed", "failed"],
    ["Unknown", "unknown"],
    [undefined, "pending"],
    ["Resting", "unknown"],
  ] as const
) {
  Deno.test(`a pod in phase ${phase} is ${word}`, () => {
    assert.equal(stateOfPod(pod(phase === undefined ? {} : { phase: phase as "Running" }), unknown).word, word);
  });
}

const ofPod: [
  what: string,
  status: PodStatus,
  known: Partial<KnownMachine> & { deleted?: boolean; needsReady?: boolean },
  word: string,
  noted: Partial<Tombstone> | "none" | undefined,
][] = [
  ["runs", { phase: "Running" }, { word: "creating" }, "running", undefined],
  ["is Pending anew after it ran", { phase: "Pending" }, { word: "running" }, "running", undefined],
  ["is not known any more", { phase: "Unknown" }, { word: "running" }, "unknown", undefined],
  ["failed at its start", { phase: "Failed" }, { word: "pending" }, "failed", {
    up: false,
    message: "The pod failed: the cluster gives no reason",
  }],
  ["failed after it ran", { phase: "Failed", reason: "Evicted", message: "disk" }, { word: "running" }, "failed", {
    up: true,
    message: "The pod failed: Evicted: disk",
  }],
  ["failed and had been returned", { phase: "Failed" }, { word: "running", returned: true }, "failed", {
    up: true,
    returned: true,
    message: "Returned by Symphony",
  }],
  ["failed because others deleted it", { phase: "Failed" }, { word: "running", deleted: true }, "failed", {
    up: true,
    message: "The pod was deleted, and not because Symphony returned the machine",
  }],
  ["succeeded", { phase: "Succeeded" }, { word: "running" }, "succeeded", {
    up: true,
    returned: false,
    succeeded: true,
    message: "The pod has ended by itself, and with success",
    ...address,
  }],
  [
    "succeeded, as was noted",
    { phase: "Succeeded" },
    { word: "succeeded", record: record({ succeeded: true }), deleted: true },
    "succeeded",
    undefined,
  ],
  [
    "succeeded, as a word without a note says",
    { phase: "Succeeded" },
    { word: "succeeded", deleted: true },
    "succeeded",
    { succeeded: true },
  ],
  ["ended well because others deleted it", { phase: "Succeeded" }, { word: "running", deleted: true }, "failed", {
    up: true,
    message: "The pod was deleted, and not because Symphony returned the machine",
  }],
  [
    "ended well because others deleted it, as was noted",
    { phase: "Succeeded" },
    { word: "failed", record: record({}), deleted: true },
    "failed",
    undefined,
  ],
  [
    "ended well because it was drained",
    {
      phase: "Succeeded",
      conditions: [{ type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI", message: "evicting" }],
    },
    { word: "running", deleted: true },
    "failed",
    { up: true, message: "The cluster took the pod away: EvictionByEvictionAPI: evicting" },
  ],
  [
    "ended well because it was returned",
    { phase: "Succeeded" },
    { word: "running", deleted: true, returned: true },
    "failed",
    { up: true, returned: true, message: "Returned by Symphony" },
  ],
  [
    "runs on though it is not Ready any more",
    { phase: "Running" },
    { word: "running", needsReady: true },
    "running",
    undefined,
  ],
  ["runs and has to be Ready", { phase: "Running" }, { word: "pending", needsReady: true }, "pending", undefined],
  ["failed before it was Ready", { phase: "Failed" }, { word: "pending", needsReady: true }, "failed", { up: false }],
  ["failed, as was noted", { phase: "Failed" }, { word: "failed", record: record({}) }, "failed", undefined],
  [
    "runs, though given up",
    { phase: "Running" },
    { word: "failed", record: record({ givenUp: true, uid: "uid-a-0" }) },
    "failed",
    undefined,
  ],
  [
    "is another one, after its own was given up",
    { phase: "Running" },
    { word: "failed", record: record({ givenUp: true, uid: "u" }) },
    "deleted",
    undefined,
  ],
  [
    "shows up after it was given up",
    { phase: "Running" },
    { word: "failed", record: record({ givenUp: true }) },
    "failed",
    { givenUp: true, message: "noted", uid: "uid-a-0" },
  ],
  [
    "comes back after it counted as gone",
    { phase: "Running" },
    {
      word: "deleted",
      record: record({ up: true, uid: "uid-a-0" }),
    },
    "running",
    "none",
  ],
  [
    "is seen for the first time after it counted as gone",
    { phase: "Pending" },
    {
      word: "deleted",
      record: record({}),
    },
    "pending",
    "none",
  ],
  [
    "comes back after it counted as gone, and has failed by now",
    { phase: "Failed" },
    {
      word: "deleted",
      record: record({ up: true, uid: "uid-a-0" }),
    },
    "failed",
    { message: "The pod failed: the cluster gives no reason", uid: "uid-a-0" },
  ],
  ["shows up after it was lost", { phase: "Running" }, { word: "failed", record: record({}) }, "running", "none"],
  [
    "runs again after it had failed: the cluster was put back",
    { phase: "Running" },
    {
      word: "failed",
      record: record({ uid: "uid-a-0" }),
    },
    "running",
    "none",
  ],
  [
    "comes back after it was returned and gone",
    { phase: "Running" },
    {
      word: "deleted",
      record: record({ up: true, returned: true, uid: "uid-a-0" }),
    },
    "deleted",
    { givenUp: true, returned: true },
  ],
  [
    "comes back after it was gone, and is returned",
    { phase: "Running" },
    {
      word: "deleted",
      returned: true,
      record: record({ up: true, uid: "uid-a-0" }),
    },
    "deleted",
    { givenUp: true },
  ],
  [
    "is another one that shows up after it was gone",
    { phase: "Running" },
    {
      word: "deleted",
      record: record({ up: true, uid: "u" }),
    },
    "deleted",
    { givenUp: true, up: true, message: "noted", uid: "u" },
  ],
  [
    "is another one, and a power failure took its word",
    { phase: "Running" },
    {
      record: record({ up: true, returned: true, uid: "u" }),
    },
    "deleted",
    { givenUp: true, up: true, message: "noted", uid: "u" },
  ],
  [
    "shows up after it was gone and given up",
    { phase: "Running" },
    { word: "deleted", record: record({ givenUp: true }) },
    "deleted",
    undefined,
  ],
  ["shows up after it was gone, of which nothing was noted", { phase: "Running" }, { word: "deleted" }, "deleted", {
    givenUp: true,
    up: true,
  }],
];
for (const [what, status, { deleted = false, needsReady = false, ...known }, word, noted] of ofPod) {
  const says = noted === "none" ? ", and nothing else stays noted" : noted ? ", and that is noted" : "";
  Deno.test(`a machine whose pod ${what} is ${word}${says}`, () => {
    const metadata = {
      ...(deleted ? { deletionTimestamp: "2026-11-20T00:01:00Z", deletionGracePeriodSeconds: 30 } : {}),
      ...(needsReady ? { annotations: { "symphony/hostfactory-request": '{"up":"Ready"}' } } : {}),
    };
    const state = stateOfPod(ourPod("a-0", status, metadata), { ...unknown, ...known });
    assert.equal(state.word, word);
    if (noted === "none" || !noted) assert.equal(state.record, noted);
    else assert.deepEqual({ ...recordOf(state), ...noted }, state.record);
  });
}

function recordOf({ record }: NextState): Tombstone | undefined {
  return record === "none" ? undefined : record;
}

const ofGone: [
  what: string,
  last: PodStatus | undefined,
  known: Partial<KnownMachine>,
  noted: Partial<Tombstone> | undefined,
][] = [
  ["ran", { phase: "Running" }, { word: "running" }, {
    up: true,
    returned: false,
    message: "The pod was deleted, and not because Symphony returned the machine",
    ...address,
  }],
  ["ran and was returned", { phase: "Running" }, { word: "running", returned: true }, {
    up: true,
    returned: true,
    message: "Returned by Symphony",
  }],
  ["was returned while pending", { phase: "Pending" }, { word: "pending", returned: true }, {
    up: false,
    returned: true,
    message: "Returned by Symphony before it was running",
  }],
  ["ran unseen by us", { phase: "Running" }, { word: "pending" }, { up: true }],
  ["was evicted", { phase: "Failed", reason: "Evicted", message: "low on memory" }, { word: "running" }, {
    up: true,
    message: "The cluster took the pod away: Evicted: low on memory",
  }],
  [
    "failed by itself",
    {
      phase: "Failed",
      containerStatuses: [{ name: "c", ready: false, restartCount: 0, state: { terminated: { exitCode: 3 } } }],
    },
    { word: "running" },
    { up: true, message: "The pod failed: container c: it ended (exit code 3)" },
  ],
  ["succeeded, as was noted", { phase: "Succeeded" }, { word: "succeeded", record: record({}) }, undefined],
  ["succeeded unseen by us", { phase: "Succeeded" }, { word: "running" }, {
    up: true,
    succeeded: true,
    message: "The pod has ended by itself, and with success",
    ...address,
  }],
  ["succeeded, as a word without a note says", undefined, { word: "succeeded" }, { up: true, succeeded: true }],
  ["was never seen", undefined, { word: "creating" }, { up: false }],
  ["had failed, as was noted", { phase: "Failed" }, { word: "failed", record: record({}) }, undefined],
  [
    "had failed, was returned, and lost its note and its pod file",
    undefined,
    { word: "failed", returned: true },
    { up: true, returned: true, message: "Returned by Symphony" },
  ],
];
for (const [what, last, known, noted] of ofGone) {
  Deno.test(`a machine that ${what} is deleted once its pod is gone`, () => {
    const state = stateOfGone(last && pod(last), { ...unknown, ...known });
    assert.equal(state.word, "deleted");
    if (noted) assert.deepEqual({ ...recordOf(state), ...noted }, state.record);
    else assert.equal(state.record, undefined);
  });
}

Deno.test("a pod in the place of the machine's own is a stray: the machine is over as it was, and the pod has to go", () => {
  const own = pod({ phase: "Running" });
  const gone = stateOfReplaced(own, { ...unknown, word: "running" });
  assert.equal(gone.word, "deleted");
  const { up, givenUp, uid, message } = recordOf(gone) ?? {};
  assert.deepEqual([up, givenUp, uid], [true, true, "uid-a-0"]);
  assert.match(message ?? "", /The pod was deleted/);
  const noted = record({ message: "The pod failed: Evicted", uid: "uid-a-0" });
  for (const last of [own, undefined]) {
    assert.deepEqual(stateOfReplaced(last, { ...unknown, word: "failed", record: noted }), {
      word: "deleted",
      record: { ...noted, givenUp: true },
    });
  }
});
