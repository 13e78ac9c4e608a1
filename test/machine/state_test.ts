import assert from "node:assert/strict";
import type { Pod, PodStatus } from "../../src/kube/types.ts";
import { type NextState, stateAfter, stateOfGone, stateOfPod, stateOfReplaced } from "../../src/machine/state.ts";
import type { KnownMachine } from "../../src/machine/snapshot.ts";
import type { Tombstone } from "../../src/machine/tombstone.ts";
import { ourPod } from "../support/memory_dependencies.ts";

const unknown: KnownMachine = { state: undefined, tombstone: undefined, returned: false };
const tombstone = (values: Partial<Tombstone>): Tombstone => ({
  up: false,
  returned: false,
  givenUp: false,
  message: "noted",
  ...values,
});
const pod = (status: PodStatus): Pod => ourPod("a-0", status);
const address = { uid: "uid-a-0", privateIpAddress: undefined, launchtime: Date.UTC(2026, 10, 20) / 1000 };

for (
  const [phase, state] of [
    ["Pending", "pending"],
    ["Running", "running"],
    ["Succeeded", "succeeded"],
    ["Failed", "failed"],
    ["Unknown", "unknown"],
    [undefined, "pending"],
    ["Resting", "unknown"],
  ] as const
) {
  Deno.test(`a pod in phase ${phase} is ${state}`, () => {
    assert.equal(stateOfPod(pod(phase === undefined ? {} : { phase: phase as "Running" }), unknown).state, state);
  });
}

const ofPod: [
  what: string,
  status: PodStatus,
  known: Partial<KnownMachine> & { deleted?: boolean; needsReady?: boolean },
  state: string,
  noted: Partial<Tombstone> | "none" | undefined,
][] = [
  ["runs", { phase: "Running" }, { state: "creating" }, "running", undefined],
  ["is Pending again after it ran", { phase: "Pending" }, { state: "running" }, "running", undefined],
  ["is not known any more", { phase: "Unknown" }, { state: "running" }, "unknown", undefined],
  ["failed at its start", { phase: "Failed" }, { state: "pending" }, "failed", {
    up: false,
    message: "The pod failed: the cluster gives no reason",
  }],
  ["failed after it ran", { phase: "Failed", reason: "Evicted", message: "disk" }, { state: "running" }, "failed", {
    up: true,
    message: "The pod failed: Evicted: disk",
  }],
  ["failed and had been returned", { phase: "Failed" }, { state: "running", returned: true }, "failed", {
    up: true,
    returned: true,
    message: "Returned by Symphony",
  }],
  ["failed because others deleted it", { phase: "Failed" }, { state: "running", deleted: true }, "failed", {
    up: true,
    message: "The pod was deleted, and not because Symphony returned the machine",
  }],
  ["succeeded", { phase: "Succeeded" }, { state: "running" }, "succeeded", {
    up: true,
    returned: false,
    succeeded: true,
    message: "The pod has ended by itself, and with success",
    ...address,
  }],
  [
    "succeeded, as was noted",
    { phase: "Succeeded" },
    { state: "succeeded", tombstone: tombstone({ succeeded: true }), deleted: true },
    "succeeded",
    undefined,
  ],
  [
    "succeeded, as a state without a tombstone says",
    { phase: "Succeeded" },
    { state: "succeeded", deleted: true },
    "succeeded",
    { succeeded: true },
  ],
  ["ended well because others deleted it", { phase: "Succeeded" }, { state: "running", deleted: true }, "failed", {
    up: true,
    message: "The pod was deleted, and not because Symphony returned the machine",
  }],
  [
    "ended well because others deleted it, as was noted",
    { phase: "Succeeded" },
    { state: "failed", tombstone: tombstone({}), deleted: true },
    "failed",
    undefined,
  ],
  [
    "ended well because it was drained",
    {
      phase: "Succeeded",
      conditions: [{ type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI", message: "evicting" }],
    },
    { state: "running", deleted: true },
    "failed",
    { up: true, message: "The cluster took the pod away: EvictionByEvictionAPI: evicting" },
  ],
  [
    "ended well because it was returned",
    { phase: "Succeeded" },
    { state: "running", deleted: true, returned: true },
    "failed",
    { up: true, returned: true, message: "Returned by Symphony" },
  ],
  [
    "runs on though it is not Ready any more",
    { phase: "Running" },
    { state: "running", needsReady: true },
    "running",
    undefined,
  ],
  ["runs and has to be Ready", { phase: "Running" }, { state: "pending", needsReady: true }, "pending", undefined],
  ["failed before it was Ready", { phase: "Failed" }, { state: "pending", needsReady: true }, "failed", { up: false }],
  ["failed, as was noted", { phase: "Failed" }, { state: "failed", tombstone: tombstone({}) }, "failed", undefined],
  [
    "runs, though given up",
    { phase: "Running" },
    { state: "failed", tombstone: tombstone({ givenUp: true, uid: "uid-a-0" }) },
    "failed",
    undefined,
  ],
  [
    "is another one, after its own was given up",
    { phase: "Running" },
    { state: "failed", tombstone: tombstone({ givenUp: true, uid: "u" }) },
    "deleted",
    undefined,
  ],
  [
    "shows up after it was given up",
    { phase: "Running" },
    { state: "failed", tombstone: tombstone({ givenUp: true }) },
    "failed",
    { givenUp: true, message: "noted", uid: "uid-a-0" },
  ],
  [
    "comes back after it counted as gone",
    { phase: "Running" },
    {
      state: "deleted",
      tombstone: tombstone({ up: true, uid: "uid-a-0" }),
    },
    "running",
    "none",
  ],
  [
    "is seen for the first time after it counted as gone",
    { phase: "Pending" },
    {
      state: "deleted",
      tombstone: tombstone({}),
    },
    "pending",
    "none",
  ],
  [
    "comes back after it counted as gone, and has failed by now",
    { phase: "Failed" },
    {
      state: "deleted",
      tombstone: tombstone({ up: true, uid: "uid-a-0" }),
    },
    "failed",
    { message: "The pod failed: the cluster gives no reason", uid: "uid-a-0" },
  ],
  [
    "shows up after it was lost",
    { phase: "Running" },
    { state: "failed", tombstone: tombstone({}) },
    "running",
    "none",
  ],
  [
    "runs again after it had failed: the cluster was put back",
    { phase: "Running" },
    {
      state: "failed",
      tombstone: tombstone({ uid: "uid-a-0" }),
    },
    "running",
    "none",
  ],
  [
    "comes back after it was returned and gone",
    { phase: "Running" },
    {
      state: "deleted",
      tombstone: tombstone({ up: true, returned: true, uid: "uid-a-0" }),
    },
    "deleted",
    { givenUp: true, returned: true },
  ],
  [
    "comes back after it was gone, and is returned",
    { phase: "Running" },
    {
      state: "deleted",
      returned: true,
      tombstone: tombstone({ up: true, uid: "uid-a-0" }),
    },
    "deleted",
    { givenUp: true },
  ],
  [
    "is another one that shows up after it was gone",
    { phase: "Running" },
    {
      state: "deleted",
      tombstone: tombstone({ up: true, uid: "u" }),
    },
    "deleted",
    { givenUp: true, up: true, message: "noted", uid: "u" },
  ],
  [
    "is another one, and a power failure took its state",
    { phase: "Running" },
    {
      tombstone: tombstone({ up: true, returned: true, uid: "u" }),
    },
    "deleted",
    { givenUp: true, up: true, message: "noted", uid: "u" },
  ],
  [
    "shows up after it was gone and given up",
    { phase: "Running" },
    { state: "deleted", tombstone: tombstone({ givenUp: true }) },
    "deleted",
    undefined,
  ],
  ["shows up after it was gone, of which nothing was noted", { phase: "Running" }, { state: "deleted" }, "deleted", {
    givenUp: true,
    up: true,
  }],
];
for (const [what, status, { deleted = false, needsReady = false, ...known }, state, noted] of ofPod) {
  const says = noted === "none" ? ", and nothing else stays noted" : noted ? ", and that is noted" : "";
  Deno.test(`a machine whose pod ${what} is ${state}${says}`, () => {
    const metadata = {
      ...(deleted ? { deletionTimestamp: "2026-11-20T00:01:00Z", deletionGracePeriodSeconds: 30 } : {}),
      ...(needsReady ? { annotations: { "symphony/hostfactory-request": '{"up":"Ready"}' } } : {}),
    };
    const next = stateOfPod(ourPod("a-0", status, metadata), { ...unknown, ...known });
    assert.equal(next.state, state);
    if (noted === "none" || !noted) assert.equal(next.tombstone, noted);
    else assert.deepEqual({ ...tombstoneOf(next), ...noted }, next.tombstone);
  });
}

function tombstoneOf({ tombstone }: NextState): Tombstone | undefined {
  return tombstone === "none" ? undefined : tombstone;
}

const ofGone: [
  what: string,
  last: PodStatus | undefined,
  known: Partial<KnownMachine>,
  noted: Partial<Tombstone> | undefined,
][] = [
  ["ran", { phase: "Running" }, { state: "running" }, {
    up: true,
    returned: false,
    message: "The pod was deleted, and not because Symphony returned the machine",
    ...address,
  }],
  ["ran and was returned", { phase: "Running" }, { state: "running", returned: true }, {
    up: true,
    returned: true,
    message: "Returned by Symphony",
  }],
  ["was returned while pending", { phase: "Pending" }, { state: "pending", returned: true }, {
    up: false,
    returned: true,
    message: "Returned by Symphony before it was running",
  }],
  ["ran unseen by us", { phase: "Running" }, { state: "pending" }, { up: true }],
  ["was evicted", { phase: "Failed", reason: "Evicted", message: "low on memory" }, { state: "running" }, {
    up: true,
    message: "The cluster took the pod away: Evicted: low on memory",
  }],
  [
    "failed by itself",
    {
      phase: "Failed",
      containerStatuses: [{ name: "c", ready: false, restartCount: 0, state: { terminated: { exitCode: 3 } } }],
    },
    { state: "running" },
    { up: true, message: "The pod failed: container c: it ended (exit code 3)" },
  ],
  ["succeeded, as was noted", { phase: "Succeeded" }, { state: "succeeded", tombstone: tombstone({}) }, undefined],
  ["succeeded unseen by us", { phase: "Succeeded" }, { state: "running" }, {
    up: true,
    succeeded: true,
    message: "The pod has ended by itself, and with success",
    ...address,
  }],
  ["succeeded, as a state without a tombstone says", undefined, { state: "succeeded" }, { up: true, succeeded: true }],
  ["was never seen", undefined, { state: "creating" }, { up: false }],
  ["had failed, as was noted", { phase: "Failed" }, { state: "failed", tombstone: tombstone({}) }, undefined],
  [
    "had failed, was returned, and lost its note and its pod file",
    undefined,
    { state: "failed", returned: true },
    { up: true, returned: true, message: "Returned by Symphony" },
  ],
  ["was returned before its pod was seen", undefined, { state: "creating", returned: true }, {
    up: false,
    returned: true,
    message: "Returned by Symphony before it was running",
  }],
];
for (const [what, last, known, noted] of ofGone) {
  Deno.test(`a machine that ${what} is deleted once its pod is gone`, () => {
    const state = stateOfGone(last && pod(last), { ...unknown, ...known });
    assert.equal(state.state, "deleted");
    if (noted) assert.deepEqual({ ...tombstoneOf(state), ...noted }, state.tombstone);
    else assert.equal(state.tombstone, undefined);
  });
}

Deno.test("a pod in the place of the machine's own is a stray: the machine is over as it was, and the pod has to go", () => {
  const own = pod({ phase: "Running" });
  const gone = stateOfReplaced(own, { ...unknown, state: "running" });
  assert.equal(gone.state, "deleted");
  const { up, givenUp, uid, message } = tombstoneOf(gone) ?? {};
  assert.deepEqual([up, givenUp, uid], [true, true, "uid-a-0"]);
  assert.match(message ?? "", /The pod was deleted/);
  const noted = tombstone({ message: "The pod failed: Evicted", uid: "uid-a-0" });
  for (const last of [own, undefined]) {
    assert.deepEqual(stateOfReplaced(last, { ...unknown, state: "failed", tombstone: noted }), {
      state: "deleted",
      tombstone: { ...noted, givenUp: true, replaced: true },
    });
  }
});

Deno.test("a machine whose own pod comes back, in whose place another one stood, is not over, unless it was given up or back", () => {
  const own = pod({ phase: "Running" });
  const copy = ourPod("a-0", { phase: "Running" }, { uid: "uid-copy" });
  const known: KnownMachine = { state: "running", tombstone: undefined, returned: false };
  const replaced = stateOfReplaced(own, known);
  const over = { ...known, state: replaced.state, tombstone: tombstoneOf(replaced) };
  assert.deepEqual(stateOfPod(copy, over), { state: "deleted" });
  assert.deepEqual(stateOfPod(own, over), { state: "running", tombstone: "none" });
  assert.deepEqual(stateOfPod(own, { ...over, returned: true }), { state: "deleted" });
  const seenLate = stateOfPod(copy, { ...known, state: "deleted", tombstone: tombstone({ uid: "uid-a-0" }) });
  assert.equal(tombstoneOf(seenLate)?.replaced, true, "the copy shows up once the machine is gone");
  const givenUp = tombstone({ uid: "uid-a-0", givenUp: true });
  const late = stateOfReplaced(own, { ...known, state: "failed", tombstone: givenUp });
  assert.deepEqual(stateOfPod(own, { ...known, state: late.state, tombstone: tombstoneOf(late) }), {
    state: "deleted",
  });
});

Deno.test("a pod that has never had a node is not the one that ran, though it is not known which that was", () => {
  const known: KnownMachine = { state: "running", tombstone: undefined, returned: false };
  const waiting = pod({ phase: "Pending" });
  const copy = stateAfter({ pod: waiting }, known, undefined);
  assert.equal(copy.state, "deleted");
  assert.ok(copy.tombstone !== "none" && copy.tombstone?.up && copy.tombstone.givenUp);
  const placed = { ...waiting, spec: { ...waiting.spec, nodeName: "node-1" } };
  assert.equal(stateAfter({ pod: placed }, known, undefined).state, "running");
  assert.equal(stateAfter({ pod: waiting }, { ...known, state: "pending" }, undefined).state, "pending");
});
