import assert from "node:assert/strict";
import { epochSeconds } from "../../src/clock.ts";
import type { NewEvent } from "../../src/events/types.ts";
import type { MachineState } from "../../src/hf/status.ts";
import { getRequestStatus } from "../../src/verbs/get_request_status.ts";
import type { Tombstone } from "../../src/machine/tombstone.ts";
import { writeState, writeTombstone } from "../../src/workdir/machines.ts";
import { addRequest, draftRequest, markProcessed, settleMachine } from "../../src/workdir/requests.ts";
import { writeSyncStatus } from "../../src/workdir/index/sync_status.ts";
import { addReturn, markReturnProcessed } from "../../src/workdir/returns.ts";
import { atOnce } from "../support/at_once.ts";
import { existingAnswer, existingIds, existingPod, furnishExisting } from "../support/legacy_workdir.ts";
import { notPermitted } from "../support/memory_files.ts";
import { listed, type MemoryProvider, memoryProvider } from "../support/memory_provider.ts";

const asked = 1_795_000_000;
const created = 1_795_209_813;

interface Machine {
  state?: MachineState;
  pod?: boolean;
  record?: Partial<Tombstone>;
  /** Its pod was created, or it was given up: its entry is no link any more. */
  settled?: boolean;
}

/** A provider with the request `req` of these machines. */
async function requested(...machines: Machine[]): Promise<MemoryProvider> {
  const provider = memoryProvider();
  const { workdir, files } = provider;
  await addRequest(
    workdir,
    { id: "req", templateId: "T", count: machines.length, requestedAt: asked, manifest: "{}" },
    atOnce,
  );
  for (const [i, { state, pod, record, settled = true }] of machines.entries()) {
    const name = `req-${i}`;
    if (settled) settleMachine(workdir, "req", name);
    if (state) writeState(workdir, name, state);
    if (pod) {
      const metadata = { name, uid: `uid-${i}`, creationTimestamp: new Date(created * 1000).toISOString() };
      files.writeText(`/work/pods/${name}`, JSON.stringify({ metadata, status: { podIP: `10.0.0.${i}` } }));
    }
    if (record) {
      writeTombstone(workdir, name, { up: false, returned: false, givenUp: false, message: "", ...record });
    }
  }
  return provider;
}

function status(provider: MemoryProvider, requestId = "req") {
  const [answer] = getRequestStatus(provider, { requests: [{ requestId }] }).requests;
  assert.ok(answer);
  return answer;
}

Deno.test("a running machine is answered with its id, address and launch time", async () => {
  assert.deepEqual(status(await requested({ state: "running", pod: true })), {
    requestId: "req",
    message: "",
    status: "complete",
    machines: [{
      machineId: "uid-0",
      name: "req-0",
      result: "succeed",
      status: "running",
      privateIpAddress: "10.0.0.0",
      publicIpAddress: "",
      launchtime: created,
      message: "Allocated by K8s hostfactory",
    }],
  });
});

const returnedUp = { up: true, returned: true, message: "Returned by Symphony" };
/** Of one machine: what its request says, and the machine's result, status and message where it is answered. */
const table: [what: string, machine: Machine, request: string, result?: string, status?: string, message?: RegExp][] = [
  ["creating, no pod yet", { state: "creating", settled: false }, "running"],
  ["created, not seen", { state: "creating" }, "running"],
  ["pending", { state: "pending", pod: true }, "running"],
  ["without a state", {}, "running"],
  ["without a state, to be created", { settled: false }, "running"],
  ["running", { state: "running", pod: true }, "complete", "succeed", "running"],
  ["succeeded", { state: "succeeded", pod: true }, "complete", "succeed", "terminated"],
  [
    "succeeded, its pod gone",
    { state: "deleted", record: { up: true, succeeded: true, message: "The pod has ended" } },
    "complete",
    "succeed",
    "terminated",
    /^Allocated by K8s hostfactory$/,
  ],
  ["failed", { state: "failed", pod: true }, "complete_with_error", "fail", "terminated", /^The pod failed$/],
  [
    "failed for a reason",
    { state: "failed", record: { message: "OOMKilled" } },
    "complete_with_error",
    "fail",
    "terminated",
    /^OOMKilled$/,
  ],
  ["unknown", { state: "unknown", pod: true }, "complete_with_error", "fail", "terminated", /node may be lost/],
  ["deleted by somebody", { state: "deleted" }, "complete_with_error", "fail", "terminated", /not because Symphony/],
  ["returned when it was up", { state: "deleted", record: returnedUp }, "complete", "succeed", "terminated"],
  [
    "failed after it was returned",
    { state: "failed", pod: true, record: returnedUp },
    "complete",
    "succeed",
    "terminated",
  ],
  [
    "returned before it was up",
    {
      state: "deleted",
      record: { returned: true, message: "Returned by Symphony before it was running" },
    },
    "complete_with_error",
    "fail",
    "terminated",
    /before it was running/,
  ],
  [
    "given up",
    { state: "failed", pod: true, record: { givenUp: true, message: "Not running after 300 s" } },
    "complete_with_error",
    "fail",
    "terminated",
    /^Not running after 300 s$/,
  ],
  [
    "up and then lost",
    { state: "deleted", record: { up: true, message: "Evicted" } },
    "complete_with_error",
    "fail",
    "terminated",
    /^Evicted$/,
  ],
];
for (const [what, machine, request, result, machineStatus, message] of table) {
  Deno.test(`a machine that is ${what}: its request is ${request}, its result ${result ?? "left out"}`, async () => {
    const answer = status(await requested(machine));
    assert.equal(answer.status, request);
    assert.equal(answer.machines[0]?.result, result);
    assert.equal(answer.machines[0]?.status, machineStatus);
    if (message) assert.match(answer.machines[0]?.message ?? "", message);
    if (result === "fail") assert.notEqual(answer.machines[0]?.message, "");
    for (const { launchtime } of answer.machines) assert.equal(typeof launchtime, "number");
  });
}

Deno.test("a request of good and of failed machines is complete where that is wanted, and its answer else the same", async () => {
  const provider = await requested({ state: "running", pod: true }, { state: "failed", pod: true });
  const usual = status(provider);
  assert.equal(usual.status, "complete_with_error");
  provider.config.onPartialFailure = "complete";
  assert.deepEqual(status(provider), { ...usual, status: "complete" });
  assert.deepEqual(usual.machines.map(({ result, message }) => [result, message]), [
    ["succeed", "Allocated by K8s hostfactory"],
    ["fail", "The pod failed"],
  ]);
  assert.match(usual.message, /^1 of 2 machine\(s\) failed/);
});

Deno.test("a request that no one issued is an error, whatever a partial failure is called", async () => {
  const provider = await requested();
  listed(provider);
  provider.config.onPartialFailure = "complete";
  assert.equal(status(provider, "none").status, "complete_with_error");
});

Deno.test("a returned machine that was up has succeeded though a power failure took the note of how its pod ended", async () => {
  const provider = await requested({ state: "failed" }, { state: "failed" });
  await addReturn(provider.workdir, { id: "ret", machines: ["req-0"], unknown: [], requestedAt: asked }, atOnce);
  assert.deepEqual(status(provider).machines.map(({ result }) => result), ["succeed", "fail"]);
});

Deno.test("a request runs while any machine does, and the others are answered already", async () => {
  const answer = status(
    await requested({ state: "running", pod: true }, { state: "pending", pod: true }, { state: "failed" }),
  );
  assert.equal(answer.status, "running");
  assert.deepEqual(answer.machines.map(({ name, result }) => [name, result]), [["req-0", "succeed"], [
    "req-2",
    "fail",
  ]]);
  assert.match(answer.message, /1 of 3 machine\(s\) failed: The pod failed/);
});

Deno.test("a machine whose entry was lost is not lost: a request of three is never complete with two", async () => {
  const provider = await requested({ state: "running", pod: true }, { state: "running", pod: true }, {
    state: "creating",
  });
  provider.files.remove("/work/requests/req/req-2");
  assert.equal(status(provider).status, "running");
});

Deno.test("a machine that is gone keeps its id, address and launch time where they were noted", async () => {
  const [machine] = status(
    await requested({
      state: "deleted",
      record: { ...returnedUp, uid: "u", privateIpAddress: "10.1.1.1", launchtime: 7 },
    }),
  ).machines;
  assert.deepEqual([machine?.machineId, machine?.privateIpAddress, machine?.launchtime], ["u", "10.1.1.1", 7]);
});

const returns: [what: string, machine: Machine, result: string, status: string][] = [
  ["runs", { state: "running", pod: true }, "executing", "running"],
  ["is pending", { state: "pending", pod: true }, "executing", "running"],
  ["was created and not seen", { state: "creating" }, "executing", "running"],
  ["failed, and is still there", { state: "failed", pod: true }, "executing", "terminated"],
  ["succeeded, and is still there", { state: "succeeded", pod: true }, "executing", "terminated"],
  ["is unknown, and still there", { state: "unknown", pod: true }, "executing", "terminated"],
  ["was never to have a pod", { state: "failed", record: { up: false, givenUp: true } }, "succeed", "terminated"],
  ["had no pod when it was rebuilt, as far as was seen", { state: "failed", record: {} }, "executing", "terminated"],
  ["failed, its note and pod file lost", { state: "failed" }, "executing", "terminated"],
  ["was deleted", { state: "deleted" }, "succeed", "terminated"],
  [
    "was to be deleted by the legacy plug-in, and is there",
    { state: "deleted", pod: true },
    "executing",
    "terminated",
  ],
  [
    "was to be deleted by the legacy plug-in, and is still there",
    { state: "deleted", pod: true, record: { uid: "uid-0" } },
    "executing",
    "terminated",
  ],
  [
    "has gone and in whose place another pod stands",
    { state: "deleted", pod: true, record: { uid: "uid-before" } },
    "succeed",
    "terminated",
  ],
  ["has no state, and was not asked for yet", {}, "executing", "running"],
];
for (const [what, machine, result, machineStatus] of returns) {
  Deno.test(`a return of a machine that ${what} is ${result}`, async () => {
    const provider = await requested(machine);
    await addReturn(provider.workdir, { id: "ret", machines: ["req-0"], unknown: [], requestedAt: asked }, atOnce);
    const answer = status(provider, "ret");
    assert.deepEqual(answer.machines.map((one) => [one.name, one.result, one.status]), [[
      "req-0",
      result,
      machineStatus,
    ]]);
    assert.equal(answer.status, result === "executing" ? "running" : "complete");
  });
}

Deno.test("a returned machine that nothing is known of is gone once the cluster was asked, or the legacy plug-in says so", async () => {
  const provider = memoryProvider();
  await addReturn(provider.workdir, { id: "ret", machines: ["lost-0"], unknown: [], requestedAt: asked }, atOnce);
  await markReturnProcessed(provider.workdir, "ret");
  provider.files.makeDirectory("/work/return-requests/theirs");
  provider.files.writeText("/work/return-requests/theirs/lost-1", "");
  for (const id of ["ret", "theirs"]) {
    const { status: whole, machines } = status(provider, id);
    assert.deepEqual([whole, machines.map(({ result }) => result)], ["complete", ["succeed"]]);
  }
});

Deno.test("a returned machine that had a pod is not gone because the pod's file was lost", async () => {
  const failed = [
    { state: "failed", record: { uid: "uid-1" } },
    { state: "failed", record: { givenUp: true } },
  ] as const;
  const provider = await requested({ state: "succeeded" }, ...failed);
  const machines = ["req-0", "req-1", "req-2"];
  await addReturn(provider.workdir, { id: "ret", machines, unknown: [], requestedAt: 0 }, atOnce);
  const results = () => Object.fromEntries(status(provider, "ret").machines.map(({ name, result }) => [name, result]));
  assert.deepEqual(results(), { "req-0": "executing", "req-1": "executing", "req-2": "succeed" });
  await markReturnProcessed(provider.workdir, "ret");
  assert.deepEqual(results(), { "req-0": "succeed", "req-1": "succeed", "req-2": "succeed" });
});

Deno.test("machines in a return request that were never issued are gone already", async () => {
  const provider = memoryProvider();
  await addReturn(provider.workdir, { id: "ret", machines: [], unknown: ["../stranger"], requestedAt: asked }, atOnce);
  const answer = status(provider, "ret");
  assert.equal(answer.status, "complete");
  assert.deepEqual(answer.machines.map(({ name, result }) => [name, result]), [["../stranger", "succeed"]]);
});

Deno.test("each id is answered in its place, and what is wrong with one stays with it", async () => {
  const provider = await requested({ state: "running", pod: true });
  listed(provider);
  const requests = [{ requestId: "never" }, { requestId: "../../etc" }, { requestId: 5 }, {}, { requestId: "req" }];
  const answers = getRequestStatus(provider, { requests }).requests;
  assert.deepEqual(answers.map((one) => [one.requestId, one.status]), [
    ["never", "complete_with_error"],
    ["../../etc", "complete_with_error"],
    ["", "complete_with_error"],
    ["", "complete_with_error"],
    ["req", "complete"],
  ]);
  assert.match(answers[0]?.message ?? "", /'never' was never issued/);
  assert.match(answers[1]?.message ?? "", /'\.\.\/\.\.\/etc' cannot be a request id/);
});

Deno.test("a request that is not here is running until the cluster has been listed, and while it is put back", () => {
  const provider = memoryProvider();
  assert.equal(status(provider, "lost").status, "running");
  assert.match(status(provider, "lost").message, /'lost' is not known here yet. The cluster has not been listed yet/);
  listed(provider);
  assert.equal(status(provider, "lost").status, "complete_with_error");
  provider.files.writeText("/work/pods/lost-3", "{}");
  assert.deepEqual([status(provider, "lost").status, status(provider, "los").status], [
    "running",
    "complete_with_error",
  ]);
  assert.match(status(provider, "lost").message, /is being put back/);
});

Deno.test("a request that is not here is running while there are pods that another work directory has made", () => {
  const provider = memoryProvider();
  listed(provider);
  const now = epochSeconds(provider.clock.now());
  writeSyncStatus(provider.workdir, "pods", { completeAt: now, heardAt: now, hasForeign: true });
  assert.equal(status(provider, "theirs").status, "running");
  assert.match(status(provider, "theirs").message, /not known here yet. There are pods of this instance that another/);
});

Deno.test("a request that is not here is running while no one hears from the cluster: a backup may be restored", async () => {
  const provider = memoryProvider();
  listed(provider);
  await provider.clock.advance(600_000);
  assert.equal(status(provider, "lost").status, "running");
  assert.match(status(provider, "lost").message, /last heard from 600 s ago/);
});

Deno.test("a request that cannot be read right now is running, not failed", async () => {
  const provider = await requested({ state: "running", pod: true });
  provider.files.failWhere(({ name, paths }) => name === "list" && paths[0] === "/work/requests/req", notPermitted());
  const answer = status(provider);
  assert.equal(answer.status, "running");
  assert.match(answer.message, /Cannot read request 'req': Permission denied/);
});

Deno.test("asking changes nothing", async () => {
  const provider = await requested({ state: "running", pod: true }, { state: "failed" }, {});
  const writes = provider.files.writes.length;
  status(provider);
  assert.equal(provider.files.writes.length, writes);
});

for (const [what, id] of Object.entries(existingIds).filter(([what]) => what !== "notPickedUp")) {
  Deno.test(`the legacy plug-in's own answer is ours, but for what is documented: ${what}`, () => {
    const provider = memoryProvider();
    furnishExisting(provider.files, "");
    const theirs = existingAnswer(id);
    const expected = theirs.machines.map((machine) => {
      const wasReturned = id === existingIds.running && machine.name === `${id}-0`;
      return {
        ...machine,
        launchtime: machine["launchtime"] === "" ? 0 : machine["launchtime"], // Always a number.
        result: wasReturned ? "succeed" : machine["result"], // Giving a machine back is no error.
      };
    });
    const ours = status(provider, id);
    const byName = (a: { name: string }, b: { name: string }) => a.name < b.name ? -1 : 1;
    assert.deepEqual([...ours.machines].sort(byName), expected.sort(byName));
    assert.equal(ours.status, id === existingIds.running ? "complete" : theirs.status);
    assert.equal(ours.message, "");
  });
}

Deno.test("a request of the legacy plug-in that no one has picked up is running", () => {
  const provider = memoryProvider();
  furnishExisting(provider.files, "");
  assert.deepEqual(status(provider, existingIds.notPickedUp), {
    requestId: existingIds.notPickedUp,
    message: "2 of 2 wait: Its pod has not been created yet",
    status: "running",
    machines: [],
  });
});

Deno.test("a pod file of the legacy plug-in and one of ours say the same of a machine", async () => {
  const provider = await requested({ state: "running" });
  provider.files.writeText("/work/pods/req-0", existingPod("caklqmeteuqr-1"));
  const [machine] = status(provider).machines;
  assert.deepEqual([machine?.machineId, machine?.privateIpAddress, machine?.launchtime], [
    "40eafbf1-bc0e-4051-8dba-7894a91cbeb6",
    "10.0.0.2",
    created,
  ]);
});

Deno.test("a request that was handled, with a state lost, is still not complete", async () => {
  const provider = await requested({ state: "running", pod: true }, {});
  await markProcessed(provider.workdir, "req");
  assert.equal(status(provider).status, "running");
});

Deno.test("of a request or return request that lost all its files nothing is said but that it is not known", () => {
  for (const directory of ["requests", "return-requests"]) {
    const provider = memoryProvider();
    provider.files.makeDirectory(`/work/${directory}/req`);
    assert.equal(status(provider).status, "running");
    listed(provider);
    assert.equal(status(provider).status, "complete_with_error");
  }
});

Deno.test("however many requests are unknown, the pods are looked through once", async () => {
  const provider = await requested({ state: "running", pod: true });
  listed(provider);
  provider.files.writeText("/work/pods/lost-0", "{}");
  let listings = 0;
  provider.files.before = ({ name, paths }) => {
    if (name === "list" && paths[0] === "/work/pods") listings++;
  };
  const ids = ["req", "lost", ...Array.from({ length: 100 }, (_, i) => `never${i}`)];
  const { requests } = getRequestStatus(provider, { requests: ids.map((requestId) => ({ requestId })) });
  assert.deepEqual(requests.map(({ requestId }) => requestId), ids);
  const ours = requests.filter(({ status }) => status !== "complete_with_error");
  assert.deepEqual(ours.map(({ requestId, status }) => [requestId, status]), [["req", "complete"], [
    "lost",
    "running",
  ]]);
  assert.equal(listings, 1);
});

Deno.test("a request that is put back while another one is asked for is not called unknown", async () => {
  const provider = memoryProvider();
  listed(provider);
  const request = { id: "req", templateId: "T", count: 1, requestedAt: asked, manifest: "{}" };
  const draft = await draftRequest(provider.workdir, request, atOnce);
  let isPutBack = false;
  provider.files.before = ({ name, paths }) => {
    if (isPutBack || name !== "list" || paths[0] !== "/work/pods") return;
    isPutBack = true;
    void draft.place();
  };
  assert.equal(status(provider).status, "running");
  assert.ok(isPutBack);
});

Deno.test("the states of requests are told as events whenever they are not as they were; of unknown ones nothing is", async () => {
  const told: NewEvent[] = [];
  const events = { record: (some: readonly NewEvent[]) => void told.push(...some) };
  const provider = { ...await requested({ state: "creating" }), events };
  await addReturn(provider.workdir, { id: "ret", machines: [], unknown: ["no-0"], requestedAt: asked }, atOnce);
  listed(provider);
  const ask = () =>
    getRequestStatus(provider, { requests: ["req", "ret", "never"].map((requestId) => ({ requestId })) });
  ask();
  ask();
  writeState(provider.workdir, "req-0", "running");
  ask();
  const said = told.map(({ category, id, pairs }) => [category, id, pairs]);
  assert.deepEqual(said, [
    ["request", "req", { status: "running" }],
    ["return", "ret", { status: "complete" }],
    ["request", "req", { status: "complete" }],
  ]);
});

Deno.test("that states cannot be remembered changes no answer", async () => {
  const provider = { ...await requested({ state: "creating" }), events: { record() {} } };
  listed(provider);
  const without = status(provider).status;
  provider.files.failWhere(({ paths }) => paths.includes("/work/views/statuses.json"), notPermitted());
  assert.equal(status(provider).status, without);
});

/** A pod as the cluster shows one that it cannot place. */
function unschedulable(name: string, message: string): string {
  const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }];
  return JSON.stringify({ metadata: { name, uid: name }, spec: {}, status: { phase: "Pending", conditions } });
}

Deno.test("the message of a running request says what most of its machines wait for", async () => {
  const provider = await requested({ state: "pending" }, { state: "pending" }, { state: "pending" }, {
    state: "running",
  });
  const { files } = provider;
  const room = "0/4 nodes are available: 4 Insufficient cpu.";
  for (const [i, message] of [room, "0/4 nodes are available: 4 Insufficient memory.", room].entries()) {
    files.writeText(`/work/pods/req-${i}`, unschedulable(`req-${i}`, message));
  }
  const { message, status: requestStatus } = status(provider);
  assert.equal(message, `3 of 4 wait, 2 of them: Unschedulable: ${room}`);
  assert.equal(requestStatus, "running");
});

Deno.test("what failed comes before what waits, and a request of which none waits says nothing of that", async () => {
  const some = await requested({ state: "failed", record: { message: "Evicted" } }, { settled: false });
  assert.equal(
    status(some).message,
    "1 of 2 machine(s) failed: Evicted; 1 of 2 waits: Its pod has not been created yet",
  );
  assert.equal(status(await requested({ state: "running", pod: true })).message, "");
});
