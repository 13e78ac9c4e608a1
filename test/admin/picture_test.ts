/** Whoever is asked how the grid is says the same: pictures taken at once and bit by bit, lists, status, metrics, and the verbs. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { chooseMachines } from "../../src/admin/choose_machines.ts";
import { type Picture, PictureTaker } from "../../src/admin/picture.ts";
import { statusOf } from "../../src/admin/status.ts";
import { machineName } from "../../src/hf/names.ts";
import { MACHINE_STATES, type MachineState } from "../../src/hf/status.ts";
import type { Tombstone } from "../../src/machine/tombstone.ts";
import { MachineTally } from "../../src/metrics/machine_tally.ts";
import { readCatalogue } from "../../src/templates/catalogue.ts";
import { getAvailableTemplates } from "../../src/verbs/get_available_templates.ts";
import { getRequestStatus } from "../../src/verbs/get_request_status.ts";
import { podFileText } from "../../src/workdir/pod_file.ts";
import { writeFinishedNote } from "../../src/workdir/finished_note.ts";
import { isTerminal } from "../../src/machine/terminal.ts";
import { readState, writeState, writeTombstone } from "../../src/workdir/machines.ts";
import { addRequest, markProcessed, settleMachine } from "../../src/workdir/requests.ts";
import { addReturn, markReturnProcessed } from "../../src/workdir/returns.ts";
import { atOnce } from "../support/at_once.ts";
import { listed, type MemoryProvider, memoryProvider, template } from "../support/memory_provider.ts";

/** What may happen to a grid. Indexes are taken round: there is always one that they name. */
type Deed =
  | { kind: "request"; template: number; count: number }
  | { kind: "state"; machine: number; state: MachineState }
  | { kind: "pod"; machine: number; phase: "Pending" | "Running"; node: number; isGoing: boolean }
  | { kind: "no pod"; machine: number }
  | { kind: "end"; machine: number; state: "failed" | "deleted" | "succeeded"; how: number }
  | { kind: "settle"; machine: number }
  | { kind: "processed"; request: number }
  | { kind: "return"; machines: number[] }
  | { kind: "returned"; request: number }
  | { kind: "over"; request: number }
  | { kind: "wait"; seconds: number };

/** A machine that has ended stays so. */
const LIVE = MACHINE_STATES.filter((state) => !isTerminal(state));

const index = fc.nat({ max: 40 });
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ kind: fc.constant("request" as const), template: index, count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant("state" as const), machine: index, state: fc.constantFrom(...LIVE) }),
  fc.record({
    kind: fc.constant("pod" as const),
    machine: index,
    phase: fc.constantFrom("Pending" as const, "Running" as const),
    node: fc.nat({ max: 2 }),
    isGoing: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("no pod" as const), machine: index }),
  fc.record({
    kind: fc.constant("end" as const),
    machine: index,
    state: fc.constantFrom("failed" as const, "deleted" as const, "succeeded" as const),
    how: fc.nat({ max: 5 }),
  }),
  fc.record({ kind: fc.constant("settle" as const), machine: index }),
  fc.record({ kind: fc.constant("processed" as const), request: index }),
  fc.record({ kind: fc.constant("return" as const), machines: fc.array(index, { minLength: 1, maxLength: 3 }) }),
  fc.record({ kind: fc.constant("returned" as const), request: index }),
  fc.record({ kind: fc.constant("over" as const), request: index }),
  fc.record({ kind: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 4_000 }) }),
);

const TEMPLATES = ["T", "limited", "full"] as const;

const ENDS: readonly Tombstone[] = [
  { up: true, returned: false, givenUp: false, uid: "u", message: "The pod failed: container a: OOMKilled" },
  { up: true, returned: true, givenUp: false, uid: "u", message: "Returned by Symphony" },
  { up: false, returned: false, givenUp: true, message: "exceeded quota" },
  { up: true, returned: false, givenUp: false, uid: "u", succeeded: true, message: "It has ended" },
  { up: false, returned: true, givenUp: true, message: "Returned by Symphony before its pod was created" },
];

/** A grid, and what looks at it from the start. */
class Grid {
  readonly provider: MemoryProvider = memoryProvider();
  readonly counts = new Map<string, number>();
  readonly #tally: MachineTally;
  readonly #bitByBit: PictureTaker;
  readonly #told: PictureTaker;
  readonly #requests: string[] = [];
  readonly #returns: string[] = [];
  readonly #machines: string[] = [];
  readonly #ended = new Set<string>();
  #next = 0;

  constructor() {
    const { files, workdir, clock } = this.provider;
    const templates = [template("T"), template("limited", 20), template("full", 1)];
    files.writeText("/conf/k8sprov_templates.json", JSON.stringify({ templates }));
    const machines = (templateId: string, state: MachineState, count: number) =>
      void this.counts.set(`${templateId} ${state}`, count);
    const sink = { requested() {}, returned() {}, failed() {}, requests() {}, machines };
    this.#tally = new MachineTally(workdir, { clock, beganAt: 0, sink });
    this.#bitByBit = this.taker();
    this.#told = this.taker({ reportsChanges: true });
  }

  taker(options: { reportsChanges?: boolean } = {}): PictureTaker {
    const { workdir, clock, files, config: { onPartialFailure } } = this.provider;
    const templates = () => readCatalogue(files, "/conf").templates;
    return new PictureTaker(workdir, { clock, onPartialFailure, templates, ...options });
  }

  async do(deed: Deed): Promise<void> {
    const { workdir, clock, files } = this.provider;
    if (deed.kind === "wait") return await clock.advance(deed.seconds * 1_000);
    if (deed.kind === "request") return await this.#request(deed);
    const request = "request" in deed ? this.#requests[deed.request % this.#requests.length] : undefined;
    const returnId = "request" in deed ? this.#returns[deed.request % this.#returns.length] : undefined;
    const machine = "machine" in deed ? this.#machines[deed.machine % this.#machines.length] : undefined;
    if (deed.kind === "processed" && request) return await markProcessed(workdir, request);
    if (deed.kind === "returned" && returnId) return await markReturnProcessed(workdir, returnId);
    if (deed.kind === "over" && request) return this.#ended.has(request) ? undefined : this.#end(request);
    if (deed.kind === "return" && this.#machines.length > 0) return await this.#giveBack(deed.machines);
    if (machine === undefined || this.#ended.has(machine.slice(0, machine.lastIndexOf("-")))) return;
    switch (deed.kind) {
      case "state":
        if (!isTerminal(readState(workdir, machine))) writeState(workdir, machine, deed.state);
        break;
      case "pod":
        files.writeText(workdir.layout.pod(machine), podText(machine, deed, clock.now()));
        break;
      case "no pod":
        workdir.remove(workdir.layout.pod(machine));
        break;
      case "settle":
        settleMachine(workdir, machine.slice(0, machine.lastIndexOf("-")), machine);
        break;
      case "end":
        // The note of an end may be lost, and the legacy plug-in leaves none.
        if (ENDS[deed.how]) writeTombstone(workdir, machine, ENDS[deed.how]!);
        writeState(workdir, machine, deed.state);
    }
    this.#told.changed([machine]);
    this.#tally.changed([machine]);
  }

  async #request({ template, count }: { template: number; count: number }): Promise<void> {
    const { workdir, clock } = this.provider;
    const id = `r${this.#next++}`;
    const templateId = TEMPLATES[template % TEMPLATES.length]!;
    await addRequest(workdir, { id, templateId, count, requestedAt: epoch(clock.now()), manifest: "{}" }, atOnce);
    this.#requests.push(id);
    for (let i = 0; i < count; i++) this.#machines.push(machineName(id, i));
  }

  async #giveBack(indexes: readonly number[]): Promise<void> {
    const { workdir, clock } = this.provider;
    const id = `g${this.#next++}`;
    const machines = [...new Set(indexes.map((one) => this.#machines[one % this.#machines.length]!))];
    await addReturn(workdir, { id, machines, unknown: [], requestedAt: epoch(clock.now()) }, atOnce);
    this.#returns.push(id);
    this.#told.changed(machines);
    this.#tally.changed(machines);
  }

  /** A request is noted as finished once all of its machines are over, and never changes from then on. */
  #end(id: string): void {
    const { workdir, clock } = this.provider;
    const own = this.#machines.filter((machine) => machine.startsWith(`${id}-`));
    for (const machine of own) {
      workdir.remove(workdir.layout.pod(machine));
      writeTombstone(workdir, machine, ENDS[0]!);
      writeState(workdir, machine, "deleted");
    }
    this.#told.changed(own);
    this.#tally.changed(own);
    writeFinishedNote(workdir, workdir.layout.request(id), { endedAt: epoch(clock.now()), machines: own.length });
    this.#ended.add(id);
  }

  /** What each of those who look says now. */
  async look(): Promise<{ fresh: Picture; bitByBit: Picture; told: Picture; counts: Map<string, number> }> {
    listed(this.provider);
    await this.#tally.step(new AbortController().signal);
    return {
      fresh: await this.taker().take(),
      bitByBit: await this.#bitByBit.take(),
      told: await this.#told.take(),
      counts: this.counts,
    };
  }
}

function epoch(ms: number): number {
  return Math.floor(ms / 1_000);
}

function podText(name: string, { phase, node, isGoing }: Extract<Deed, { kind: "pod" }>, nowMs: number): string {
  const at = new Date(nowMs).toISOString();
  const running = phase === "Running"
    ? { containerStatuses: [{ name: "c", ready: true, restartCount: 0, state: { running: { startedAt: at } } }] }
    : {};
  return podFileText({
    metadata: { name, uid: `uid-${name}`, creationTimestamp: at, ...(isGoing ? { deletionTimestamp: at } : {}) },
    spec: { containers: [], ...(node > 0 ? { nodeName: `node-${node}` } : {}) },
    status: { phase, ...running },
  });
}

function agree(grid: Grid, { fresh, bitByBit, told, counts }: Awaited<ReturnType<Grid["look"]>>): void {
  // 1. However a picture came about, it shows the same.
  assert.deepEqual(bitByBit, fresh);
  assert.deepEqual(told, fresh);
  // 2. Symphony is told the same of each request, and of each of its machines.
  for (const request of [...fresh.requests, ...fresh.returns]) {
    const [answer] = getRequestStatus(grid.provider, { requests: [{ requestId: request.id }] }).requests;
    assert.equal(answer?.status, request.status, request.id);
    const results = answer.machines.map(({ result }) => result);
    const named = request.kind === "request" ? results.length : results.filter((one) => one === "succeed").length;
    assert.equal(named, request.counts.succeed + request.counts.fail, request.id);
    if (request.kind === "return") continue;
    const own = fresh.machines.filter(({ requestId, result }) => requestId === request.id && result !== "executing");
    assert.deepEqual(
      own.map(({ name, result }) => [name, result]),
      answer.machines.map(({ name, result }) => [name, result]),
    );
  }
  // 3. The metrics count the same machines of requests that are not over.
  const over = new Set(fresh.requests.filter(({ endedAt }) => endedAt !== undefined).map(({ id }) => id));
  const states = new Map<string, number>();
  for (const { requestId, templateId, state } of fresh.machines) {
    if (!over.has(requestId)) states.set(`${templateId} ${state}`, (states.get(`${templateId} ${state}`) ?? 0) + 1);
  }
  assert.deepEqual(new Map([...counts].filter(([, count]) => count > 0).sort()), new Map([...states].sort()));
  // 4. There is as much room as the verb says.
  const offered = getAvailableTemplates(grid.provider, {}).templates as {
    templateId: string;
    availableNumber?: number;
  }[];
  const rooms = Object.fromEntries(fresh.templates.map(({ templateId, room }) => [templateId, room]));
  const available = offered.map(({ templateId, availableNumber }) => [templateId, availableNumber]);
  assert.deepEqual(rooms, Object.fromEntries(available));
  // 5. The lists, and what status says, are of that picture.
  for (const { templateId, running, waiting } of fresh.templates) {
    const ask = (states: MachineState[]) =>
      chooseMachines(fresh.machines, { states, templates: [templateId] }, { now: fresh.at, sort: "name" });
    assert.equal(ask(["running"]).length, running);
    assert.equal(ask(["creating", "pending"]).filter(({ returnId }) => returnId === undefined).length, waiting);
  }
  const failures = fresh.templates.some(({ failed }) => failed > 0);
  if (failures) assert.equal(statusOf(fresh).verdict, "trouble");
}

Deno.test("status, lists, metrics and Symphony's own answers never disagree", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(deed, { maxLength: 8 }), { minLength: 1, maxLength: 6 }), async (rounds) => {
      const grid = new Grid();
      await grid.do({ kind: "request", template: 0, count: 2 });
      for (const deeds of rounds) {
        for (const deed of deeds) await grid.do(deed);
        agree(grid, await grid.look());
        // A file that is written within a tick of the clock would look as the one before (see `DirectoryChanges`), and the
        // metrics look once a minute for what is finished.
        await grid.do({ kind: "wait", seconds: 61 });
      }
    }),
    { numRuns: 150 },
  );
});
