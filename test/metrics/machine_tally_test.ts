import assert from "node:assert/strict";
import { MachineTally } from "../../src/metrics/machine_tally.ts";
import { writeFinishedNote } from "../../src/workdir/finished_note.ts";
import { writeState, writeTombstone } from "../../src/workdir/machines.ts";
import { addRequest } from "../../src/workdir/requests.ts";
import { addReturn } from "../../src/workdir/returns.ts";
import { atOnce } from "../support/at_once.ts";
import { memoryProvider } from "../support/memory_provider.ts";
import type { MemoryFiles } from "../support/memory_files.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

const AT = 1_795_000_000;
const failed = { up: false, returned: false, givenUp: true, uid: "u", message: "Crash loop: container a" };

/** A work directory, a tally over it, and what it has told. */
function tallied({ beganAt = AT - 10 } = {}) {
  const clock = new SimulatedClock();
  const { workdir } = memoryProvider({ clock });
  const news: string[] = [];
  const machines = new Map<string, number>();
  const requests: Record<string, unknown> = {};
  const tally = new MachineTally(workdir, {
    clock,
    beganAt,
    sink: {
      requested: (template, count) => news.push(`requested ${template} ${count}`),
      returned: (count) => news.push(`returned ${count}`),
      failed: (kind) => news.push(`failed ${kind}`),
      machines: (template, state, count) => machines.set(`${template} ${state}`, count),
      requests: (kind, counts) => requests[kind] = counts,
    },
  });
  const request = (id: string, count: number, { requestedAt = AT, templateId = "T" } = {}) =>
    addRequest(workdir, { id, templateId, count, requestedAt, manifest: "{}" }, atOnce);
  const step = () => tally.step(new AbortController().signal);
  return { clock, workdir, tally, request, step, news, requests, machines };
}

Deno.test("machines are counted by template and state, from the request to its end", async () => {
  const { clock, workdir, tally, request, step, news, requests, machines } = tallied();
  await request("r", 3);
  await step();
  assert.deepEqual(Object.fromEntries(machines), { "T creating": 3 });
  assert.deepEqual(requests, { request: { open: 1, finished: 0 }, return: { open: 0, finished: 0 } });
  for (const n of [0, 1, 2]) writeState(workdir, `r-${n}`, "running");
  await step();
  assert.deepEqual(Object.fromEntries(machines), { "T creating": 0, "T running": 3 });
  writeTombstone(workdir, "r-0", failed);
  writeState(workdir, "r-0", "failed");
  assert.equal(tally.changed(["r-0"]), false);
  await step();
  writeState(workdir, "r-0", "deleted");
  tally.changed(["r-0"]);
  await step();
  assert.deepEqual(news, ["requested T 3", "failed crash_loop"]);
  assert.equal(machines.get("T deleted"), 1);
  writeFinishedNote(workdir, workdir.layout.request("r"), { endedAt: AT, machines: 3 });
  clock.pass(60_000);
  await step();
  assert.deepEqual(new Set(machines.values()), new Set([0]));
  assert.deepEqual(requests["request"], { open: 0, finished: 1 });
});

Deno.test("a machine that another loop has not written down is looked at again within ten minutes", async () => {
  const { clock, workdir, request, step, machines } = tallied();
  await request("r", 1);
  writeState(workdir, "r-0", "pending");
  await step();
  writeState(workdir, "r-0", "running");
  await step();
  assert.equal(machines.get("T running"), undefined);
  await clock.advance(600_000);
  await step();
  assert.equal(machines.get("T running"), 1);
});

Deno.test("what was before this process began is no news; what comes later is, whatever its clock says", async () => {
  const { workdir, request, step, news } = tallied({ beganAt: AT + 1 });
  await request("old", 2);
  writeTombstone(workdir, "old-0", failed);
  writeState(workdir, "old-0", "failed");
  await step();
  assert.deepEqual(news, ["requested T 0"], "the template is there");
  await request("new", 1, { requestedAt: 1 });
  await step();
  assert.deepEqual(news.slice(1), ["requested T 1"]);
});

Deno.test("returns are counted once, and gone requests forgotten", async () => {
  const { workdir, request, step, news, requests } = tallied();
  await request("r", 2);
  await step();
  await addReturn(workdir, { id: "back", machines: ["r-0", "r-1"], unknown: [], requestedAt: AT }, atOnce);
  await step();
  await step();
  assert.deepEqual(news, ["requested T 2", "returned 2"]);
  assert.deepEqual(requests["return"], { open: 1, finished: 0 });
  workdir.files.removeTree(workdir.layout.request("r"));
  workdir.files.removeTree(workdir.layout.returnRequest("back"));
  await step();
  assert.deepEqual(requests, { request: { open: 0, finished: 0 }, return: { open: 0, finished: 0 } });
});

Deno.test("whether requests are noted as finished is looked for once a minute", async () => {
  const { clock, workdir, request, step } = tallied();
  let looks = 0;
  (workdir.files as MemoryFiles).before = ({ name, paths: [path = ""] }) => {
    if (name === "readLink" && path.endsWith("/.ended")) looks++;
  };
  await request("r", 1);
  await addReturn(workdir, { id: "back", machines: ["r-0"], unknown: [], requestedAt: AT }, atOnce);
  const looked: number[] = [];
  for (const passedMs of [0, 5_000, 50_000, 5_000, 5_000]) {
    clock.pass(passedMs);
    await step();
    looked.push(looks);
  }
  assert.deepEqual(looked, [2, 2, 2, 4, 4]);
});

Deno.test("a request that cannot be read holds up no other", async () => {
  const { workdir, request, step, machines } = tallied();
  workdir.makeDirectory(workdir.layout.request("empty"));
  await request("r", 1);
  await step();
  assert.equal(machines.get("T creating"), 1);
});

/** Requests of one machine each that are over, and lack the note that says so. */
async function manyOver(count: number) {
  const all = tallied();
  const ids = Array.from({ length: count }, (_, i) => `over${i}`);
  for (const id of ids) {
    await all.request(id, 1);
    writeState(all.workdir, `${id}-0`, "deleted");
  }
  return { ...all, ids };
}

Deno.test("where very many that are over are not noted as finished, the first look waits for that", async () => {
  const { workdir, ids, step, requests } = await manyOver(1_002);
  await step();
  assert.deepEqual(requests, {});
  for (const id of ids.slice(0, 10)) {
    writeFinishedNote(workdir, workdir.layout.request(id), { endedAt: AT, machines: 1 });
  }
  await step();
  assert.deepEqual(requests["request"], { open: 992, finished: 10 });
});

Deno.test("it does not wait for ever", async () => {
  const { clock, step, requests } = await manyOver(1_001);
  await step();
  assert.deepEqual(requests, {});
  clock.pass(300_000);
  await step();
  assert.deepEqual(requests["request"], { open: 1_001, finished: 0 });
});
