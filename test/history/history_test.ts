import assert from "node:assert/strict";
import { openEventStore } from "../../src/events/database.ts";
import { rowsOf, type SpooledEvent } from "../../src/events/rows.ts";
import { systemFiles } from "../../src/files.ts";
import { history, type HistoryQuery } from "../../src/history/history.ts";
import { sentence } from "../../src/history/sentence.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

/** Calls `act` with a work directory of its own. */
async function inWorkdir(act: (workdir: string) => Promise<void>): Promise<void> {
  const workdir = Deno.makeTempDirSync();
  try {
    Deno.mkdirSync(`${workdir}/events`);
    await act(workdir);
  } finally {
    Deno.removeSync(workdir, { recursive: true });
  }
}

function store(workdir: string, events: readonly SpooledEvent[]): void {
  const database = openEventStore(`${workdir}/events.db`);
  database.begin();
  for (const row of events.flatMap((event) => rowsOf(event, { skipEvents: true }))) database.insert(row);
  database.commit();
  database.close();
}

function request(id: string, template: string, count: number, timestamp: number): SpooledEvent[] {
  return [
    { category: "request", id, count, template_id: template, timestamp },
    ...Array.from({ length: count }, (_, index) => step(`${id}-${index}`, "requested", timestamp)),
  ];
}

function step(machine: string, status: string, timestamp: number, more: object = {}): SpooledEvent {
  return { category: "pod", id: machine, status, ...more, timestamp };
}

function start(workdir: string, query: Partial<HistoryQuery> = {}, signal = new AbortController().signal) {
  const clock = new SimulatedClock();
  return { clock, entries: history({ files: systemFiles, clock, signal }, { workdir }, { all: false, ...query }) };
}

/** What there is to be told at once. */
async function told(workdir: string, query: Partial<HistoryQuery> = {}): Promise<string[]> {
  const { entries } = start(workdir, query);
  const { value = [] } = await entries.next();
  await entries.return(undefined);
  return value.map(sentence);
}

function storeTwoRequests(workdir: string): void {
  store(workdir, [
    ...request("aaa", "small", 2, 100),
    ...request("bbb", "large", 1, 100),
    step("aaa-0", "created", 101),
    step("aaa-0", "scheduled", 102, {}),
    { category: "pod", id: "aaa-0", node_name: "node-1", timestamp: 102 },
    { category: "pod", id: "bbb-0", node_name: "node-2", timestamp: 102 },
    step("aaa-0", "ready", 103),
    step("bbb-0", "ready", 104),
    { category: "node", id: "node-2::some-uid", status: "deleted", timestamp: 300 },
    { category: "node", id: "node-22::some-uid", status: "deleted", timestamp: 300 },
    step("bbb-0", "failed", 200, { failed_reason: "OOMKilled" }),
  ]);
}

Deno.test("steps on a usual way up are left out, unless all are asked for", async () => {
  await inWorkdir(async (workdir) => {
    storeTwoRequests(workdir);
    const usual = [
      "2 machines of ‘small’ requested",
      "1 machine of ‘large’ requested",
      "1 machine of ‘small’ ready",
      "1 machine of ‘large’ ready",
      "1 machine of ‘large’ failed: OOMKilled",
      "2 nodes deleted: node-2, node-22",
    ];
    assert.deepEqual(await told(workdir), usual);
    const steps = ["1 machine of ‘small’ created", "1 machine of ‘small’ given a node"];
    assert.deepEqual(await told(workdir, { all: true }), usual.toSpliced(2, 0, ...steps));
  });
});

Deno.test("a template is known from before the time that is asked for, and from the spool", async () => {
  await inWorkdir(async (workdir) => {
    storeTwoRequests(workdir);
    Deno.writeTextFileSync(`${workdir}/events/1`, JSON.stringify(request("ccc", "spooled", 1, 150)));
    Deno.writeTextFileSync(`${workdir}/events/2`, JSON.stringify([step("ccc-0", "ready", 300)]));
    assert.deepEqual(await told(workdir, { since: 160 }), [
      "1 machine of ‘large’ failed: OOMKilled",
      "1 machine of ‘spooled’ ready",
      "2 nodes deleted: node-2, node-22",
    ]);
  });
});

Deno.test("it is told of one machine, request, template, node or type alone", async () => {
  await inWorkdir(async (workdir) => {
    storeTwoRequests(workdir);
    const failed = "1 machine of ‘large’ failed: OOMKilled";
    const large = ["1 machine of ‘large’ requested", "1 machine of ‘large’ ready", failed];
    assert.deepEqual(await told(workdir, { machine: "bbb-0" }), large);
    assert.deepEqual(await told(workdir, { request: "bbb" }), large);
    assert.deepEqual(await told(workdir, { template: "large" }), large);
    assert.deepEqual(await told(workdir, { node: "node-2" }), [...large, "1 node deleted: node-2"]);
    assert.deepEqual(await told(workdir, { types: ["failed"] }), [failed]);
    assert.deepEqual(await told(workdir, { types: ["created"] }), ["1 machine of ‘small’ created"]);
    assert.deepEqual(await told(workdir, { request: "bbb", node: "node-1" }), []);
    assert.deepEqual(await told(workdir, { request: "unknown" }), []);
  });
});

Deno.test("it goes on with what happens", async () => {
  await inWorkdir(async (workdir) => {
    store(workdir, request("aaa", "small", 2, 100));
    const stop = new AbortController();
    const { clock, entries } = start(workdir, {}, stop.signal);
    assert.deepEqual((await entries.next()).value?.map(sentence), ["2 machines of ‘small’ requested"]);
    const next = entries.next();
    Deno.writeTextFileSync(`${workdir}/events/1`, JSON.stringify([step("aaa-1", "ready", 110)]));
    await clock.advance(1_000);
    assert.deepEqual((await next).value?.map(sentence), ["1 machine of ‘small’ ready"]);
    const last = entries.next();
    stop.abort();
    await assert.rejects(last);
  });
});
