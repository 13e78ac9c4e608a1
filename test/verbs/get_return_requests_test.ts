import assert from "node:assert/strict";
import type { ReturnRequestsAnswer } from "../../src/hf/answers.ts";
import type { MachineState } from "../../src/hf/status.ts";
import { getReturnRequests } from "../../src/verbs/get_return_requests.ts";
import { type Departure, writeDepartures } from "../../src/workdir/departures.ts";
import { writeState, writeTombstone } from "../../src/workdir/machines.ts";
import { addReturn } from "../../src/workdir/returns.ts";
import { writeSyncStatus } from "../../src/workdir/index/sync_status.ts";
import { atOnce } from "../support/at_once.ts";
import { notPermitted } from "../support/memory_files.ts";
import { type MemoryProvider, memoryProvider } from "../support/memory_provider.ts";

const now = Date.UTC(2026, 10, 20) / 1000;

/** A provider whose view of the cluster is this old, with machines in these states; going ones are deleted in 20 s. */
function watched(
  ageSeconds: number | undefined,
  machines: Record<string, MachineState | "going"> = {},
): MemoryProvider {
  const provider = memoryProvider();
  const { workdir, files } = provider;
  if (ageSeconds !== undefined) {
    writeSyncStatus(workdir, "pods", { completeAt: now - 9_999, heardAt: now - ageSeconds });
  }
  for (const [name, state] of Object.entries(machines)) {
    writeState(workdir, name, state === "going" ? "running" : state);
    const deletionTimestamp = state === "going" ? { deletionTimestamp: new Date((now + 20) * 1000).toISOString() } : {};
    if (state === "deleted") continue;
    files.writeText(
      `/work/pods/${name}`,
      JSON.stringify({ metadata: { name, uid: `uid-${name}`, ...deletionTimestamp } }),
    );
  }
  return provider;
}

const everything = {
  "a-0": "creating",
  "a-1": "pending",
  "a-2": "running",
  "a-3": "going",
  "a-4": "failed",
  "a-5": "deleted",
  "a-6": "succeeded",
} as const;
const goneOrGoing = [
  { machine: "a-3", gracePeriod: 20 },
  { machine: "a-4", gracePeriod: 0 },
  { machine: "a-5", gracePeriod: 0 },
  { machine: "a-6", gracePeriod: 0 },
];

for (
  const [what, input] of [
    ["asked by name", { machines: Object.keys(everything).map((name) => ({ name })) }],
    ["asked for all", {}],
  ] as const
) {
  Deno.test(`machines that are gone or going are named with the grace that is left, others are not: ${what}`, () => {
    const answer = getReturnRequests(watched(1, everything), input);
    assert.deepEqual(answer.requests.sort((a, b) => a.machine < b.machine ? -1 : 1), goneOrGoing);
    assert.equal(answer.status, "complete");
    assert.equal(answer.message, "Machines to be terminated.");
  });
}

for (
  const [what, age, message] of [
    ["was never complete", undefined, /not been listed yet/],
    ["is stale", 121, /121 s ago/],
    ["is from the future", -121, /in the future/],
  ] as const
) {
  Deno.test(`from a view that ${what} nothing is said, but why`, () => {
    for (const input of [{}, { machines: [{ name: "a-5" }, { name: "stranger-0" }] }]) {
      const answer = getReturnRequests(watched(age, everything), input);
      assert.deepEqual(answer.requests, []);
      assert.match(answer.message, message);
    }
  });
}

Deno.test("what is not known is not gone: it is left out, and the message names it", () => {
  const provider = watched(1, { "a-2": "running" });
  const machines = [{ name: "never-0" }, { name: "../../x" }, { machineId: "no such uid" }, { name: "a-2" }, {}];
  const answer = getReturnRequests(provider, { machines });
  assert.deepEqual(answer.requests, []);
  assert.match(answer.message, /^No machine is to be returned\. 4 machine\(s\) are not known here.*'never-0'/);
});

Deno.test("a machine without a name is found by the uid of its pod", () => {
  const provider = watched(1, { "a-3": "going", "a-2": "running" });
  const machines = [{ machineId: "uid-a-3" }, { name: "", machineId: "uid-a-2" }];
  assert.deepEqual(getReturnRequests(provider, { machines }).requests, [{ machine: "a-3", gracePeriod: 20 }]);
});

for (const [ahead, gracePeriod] of [[-10, 30], [0, 20], [15, 5], [600, 0]] as const) {
  Deno.test(`a cluster whose clock is ${ahead} s ahead of ours ends the grace by its own clock`, () => {
    const provider = watched(undefined, { "a-3": "going" });
    writeSyncStatus(provider.workdir, "pods", { completeAt: now, heardAt: now, clusterAheadSeconds: ahead });
    assert.deepEqual(getReturnRequests(provider, {}).requests, [{ machine: "a-3", gracePeriod }]);
  });
}

Deno.test("grace never goes below nothing", async () => {
  const provider = watched(1, { "a-3": "going" });
  await provider.clock.advance(60_000);
  assert.deepEqual(getReturnRequests(provider, {}).requests, [{ machine: "a-3", gracePeriod: 0 }]);
});

Deno.test("asked for all, machines that Symphony gave back or that never had a pod are not named", async () => {
  const provider = watched(1, {
    "a-0": "deleted",
    "a-1": "deleted",
    "a-2": "failed",
    "a-3": "failed",
    "a-4": "deleted",
  });
  await addReturn(provider.workdir, { id: "ret", machines: ["a-0"], unknown: [], requestedAt: now }, atOnce);
  const record = { up: false, returned: false, givenUp: true, message: "quota" };
  writeTombstone(provider.workdir, "a-2", record);
  writeTombstone(provider.workdir, "a-3", { ...record, uid: "u" });
  writeTombstone(provider.workdir, "a-4", { ...record, givenUp: false }); // Its pod file was lost before its pod.
  const named = getReturnRequests(provider, {}).requests.map(({ machine }) => machine).sort();
  assert.deepEqual(named, ["a-1", "a-3", "a-4"]);
});

Deno.test("with nothing in the work directory nothing is to be returned", () => {
  assert.deepEqual(getReturnRequests(watched(1), {}), {
    status: "complete",
    message: "No machine is to be returned.",
    requests: [],
  });
});

Deno.test("a machine whose node is lost may come back: it is not named unless its pod is being deleted", () => {
  const provider = watched(1, { "a-0": "unknown", "a-1": "going" });
  writeState(provider.workdir, "a-1", "unknown");
  for (const input of [{}, { machines: [{ name: "a-0" }, { name: "a-1" }] }]) {
    assert.deepEqual(getReturnRequests(provider, input).requests, [{ machine: "a-1", gracePeriod: 20 }]);
  }
});

Deno.test("an empty list of machines asks about no machine, not about all", () => {
  const answer = getReturnRequests(watched(1, everything), { machines: [] });
  assert.deepEqual(answer.requests, []);
  assert.equal(answer.message, "No machine is to be returned.");
});

Deno.test("a machine whose files are broken is left out, and the others are answered", () => {
  const provider = watched(1, { "a-0": "running", "a-1": "going", "a-2": "going", "a-3": "deleted" });
  provider.files.writeText("/work/pods/a-0", "\uFFFD{garbage");
  provider.files.writeText("/work/pods-status/a-4", "no link");
  provider.files.makeDirectory("/work/pods/a-5");
  provider.files.failWhere(({ paths }) => paths[0] === "/work/pods/a-1", notPermitted());
  const machines = [{ machineId: "uid-a-2" }, ...[0, 1, 3, 4, 5].map((i) => ({ name: `a-${i}` }))];
  for (const input of [{}, { machines }]) {
    const named = getReturnRequests(provider, input).requests.map(({ machine }) => machine).sort();
    assert.deepEqual(named, ["a-2", "a-3"]);
  }
});

/** Four machines that run, on the nodes n0 to n3 (the last two in the legacy plug-in's words), and a view of nodes of this age. */
function onNodes(nodeViewAge: number | undefined, departures: Record<string, Omit<Departure, "uid">>): MemoryProvider {
  const provider = watched(1, { "a-0": "running", "a-1": "pending", "a-2": "running", "a-3": "running" });
  const { workdir, files } = provider;
  for (let i = 0; i < 4; i++) {
    const spec = i < 2
      ? { nodeName: `n${i}`, terminationGracePeriodSeconds: 600 }
      : { node_name: `n${i}`, termination_grace_period_seconds: 20 };
    files.writeText(`/work/pods/a-${i}`, JSON.stringify({ metadata: { name: `a-${i}`, uid: "u" }, spec }));
  }
  writeDepartures(workdir, new Map(Object.entries(departures).map(([node, one]) => [node, { uid: "u", ...one }])));
  if (nodeViewAge !== undefined) writeSyncStatus(workdir, "nodes", { completeAt: now, heardAt: now - nodeViewAge });
  return provider;
}
const named = ({ requests }: ReturnRequestsAnswer) =>
  Object.fromEntries(requests.map(({ machine, gracePeriod }) => [machine, gracePeriod]));
const departures = {
  n0: { reason: "spot", goneAt: now + 120 },
  n1: { reason: "drained" },
  n2: { reason: "disrupted" },
};

Deno.test("machines on nodes that are about to go are named before they die, with the grace that is left", async () => {
  const provider = onNodes(1, departures);
  for (const input of [{}, { machines: [0, 1, 2, 3].map((i) => ({ name: `a-${i}` })) }]) {
    const answer = getReturnRequests(provider, input);
    assert.deepEqual(named(answer), { "a-0": 120, "a-1": 600, "a-2": 20 });
    assert.equal(answer.message, "Machines to be terminated.");
  }
  await provider.clock.advance(100_000);
  assert.equal(named(getReturnRequests(provider, {}))["a-0"], 20);
});

Deno.test("grace on a node is counted by the cluster's clock", () => {
  const provider = onNodes(1, departures);
  writeSyncStatus(provider.workdir, "pods", { completeAt: now, heardAt: now, clusterAheadSeconds: 50 });
  assert.equal(named(getReturnRequests(provider, {}))["a-0"], 70);
});

Deno.test("of a machine that is deleted on a node that goes, what comes first counts", () => {
  for (const [seconds, grace] of [[10, 10], [500, 120]] as const) {
    const provider = onNodes(1, departures);
    const deletionTimestamp = new Date((now + seconds) * 1000).toISOString();
    const pod = {
      metadata: { name: "a-0", uid: "u", deletionTimestamp },
      spec: { nodeName: "n0", terminationGracePeriodSeconds: 600 },
    };
    provider.files.writeText("/work/pods/a-0", JSON.stringify(pod));
    assert.equal(named(getReturnRequests(provider, {}))["a-0"], grace);
  }
});

Deno.test("a machine on a lost node is named once its pod tolerates that no longer", async () => {
  const lost = { taint: "node.kubernetes.io/unreachable", since: now - 299 };
  const provider = onNodes(1, { n0: { reason: "not ready", lost } });
  const tolerations = [{ key: lost.taint, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }];
  const pod = { metadata: { name: "a-0", uid: "u" }, spec: { nodeName: "n0", tolerations } };
  provider.files.writeText("/work/pods/a-0", JSON.stringify(pod));
  writeState(provider.workdir, "a-0", "unknown");
  assert.deepEqual(named(getReturnRequests(provider, {})), {});
  await provider.clock.advance(1_000);
  assert.deepEqual(named(getReturnRequests(provider, {})), { "a-0": 0 });
});

Deno.test("asked for all, machines on nodes that go and that Symphony gave back are not named", async () => {
  const provider = onNodes(1, departures);
  await addReturn(provider.workdir, { id: "ret", machines: ["a-0"], unknown: [], requestedAt: now }, atOnce);
  assert.deepEqual(Object.keys(named(getReturnRequests(provider, {}))).sort(), ["a-1", "a-2"]);
});

for (
  const [what, age, message] of [
    ["nobody ever watched", undefined, /^Machines to be terminated\.$/],
    [
      "nobody watches any more",
      121,
      /^Machines to be terminated\. Whether nodes.* last heard of 121 s ago: see the log/,
    ],
    ["a clock is wrong", -121, /in the future/],
  ] as const
) {
  Deno.test(`nodes that ${what} are not believed, and pods are all the same`, () => {
    const provider = onNodes(age, departures);
    writeState(provider.workdir, "a-3", "deleted");
    const answer = getReturnRequests(provider, {});
    assert.deepEqual(named(answer), { "a-3": 0 });
    assert.match(answer.message, message);
  });
}

Deno.test("a view of nodes does not stand in for one of pods", () => {
  const provider = onNodes(1, departures);
  writeSyncStatus(provider.workdir, "pods", { completeAt: now, heardAt: now - 121 });
  assert.deepEqual(getReturnRequests(provider, {}).requests, []);
});

Deno.test("departures that cannot be read name no machine, and hide none that is gone", () => {
  const provider = onNodes(1, departures);
  writeState(provider.workdir, "a-3", "deleted");
  for (const text of ["", "{", '{"n0": {"reason": 7}}', "[]"]) {
    provider.files.writeText("/work/views/departures.json", text);
    assert.deepEqual(named(getReturnRequests(provider, {})), { "a-3": 0 }, text);
  }
  provider.files.failWhere(({ paths }) => paths[0] === "/work/views/departures.json", notPermitted());
  const answer = getReturnRequests(provider, {});
  assert.deepEqual(named(answer), { "a-3": 0 });
  assert.match(answer.message, /Whether nodes are about to go is not known/);
});
