import assert from "node:assert/strict";
import type { StatusWord } from "../../src/hf/status.ts";
import { getReturnRequests } from "../../src/verbs/get_return_requests.ts";
import { writeMachineRecord, writeStatusWord } from "../../src/workdir/machines.ts";
import { addReturn } from "../../src/workdir/returns.ts";
import { writeView } from "../../src/workdir/views.ts";
import { notPermitted } from "../support/memory_files.ts";
import { type MemoryProvider, memoryProvider } from "../support/memory_provider.ts";

const now = Date.UTC(2026, 10, 20) / 1000;

/** A provider whose view of the cluster is this old, with machines of these words; going ones are deleted in 20 s. */
function watched(ageSeconds: number | undefined, machines: Record<string, StatusWord | "going"> = {}): MemoryProvider {
  const provider = memoryProvider();
  const { workdir, files } = provider;
  if (ageSeconds !== undefined) writeView(workdir, "pods", { completeAt: now - 9_999, heardAt: now - ageSeconds });
  for (const [name, word] of Object.entries(machines)) {
    writeStatusWord(workdir, name, word === "going" ? "running" : word);
    const deletionTimestamp = word === "going" ? { deletionTimestamp: new Date((now + 20) * 1000).toISOString() } : {};
    if (word === "deleted") continue;
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
    writeView(provider.workdir, "pods", { completeAt: now, heardAt: now, clusterAheadSeconds: ahead });
    assert.deepEqual(getReturnRequests(provider, {}).requests, [{ machine: "a-3", gracePeriod }]);
  });
}

Deno.test("grace never goes below nothing", async () => {
  const provider = watched(1, { "a-3": "going" });
  await provider.clock.advance(60_000);
  assert.deepEqual(getReturnRequests(provider, {}).requests, [{ machine: "a-3", gracePeriod: 0 }]);
});

Deno.test("asked for all, machines that Symphony gave back or that never had a pod are not named", () => {
  const provider = watched(1, { "a-0": "deleted", "a-1": "deleted", "a-2": "failed", "a-3": "failed" });
  addReturn(provider.workdir, { id: "ret", machines: ["a-0"], unknown: [], requestedAt: now });
  const record = { up: false, returned: false, givenUp: true, message: "quota" };
  writeMachineRecord(provider.workdir, "a-2", record);
  writeMachineRecord(provider.workdir, "a-3", { ...record, uid: "u" });
  assert.deepEqual(getReturnRequests(provider, {}).requests.map(({ machine }) => machine).sort(), ["a-1", "a-3"]);
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
  writeStatusWord(provider.workdir, "a-1", "unknown");
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
