import { Budget } from "../budget.ts";
import { type Clock, epochSeconds } from "../clock.ts";
import type { PartialFailure } from "../config.ts";
import { describeError } from "../errors.ts";
import { isRequestId, parseMachineName } from "../hf/names.ts";
import type { MachineResult } from "../hf/status.ts";
import { mayHaveGone, resultForReturn } from "../machine/answer.ts";
import type { Template } from "../templates/catalogue.ts";
import { readDepartures } from "../workdir/departures.ts";
import { type FinishedNote, readFinishedNote } from "../workdir/finished_note.ts";
import { NodeZones } from "../workdir/node_zones.ts";
import { ReturnIndex } from "../workdir/index/returns.ts";
import { readRequest, type StoredRequest } from "../workdir/requests.ts";
import { readReturn, type StoredReturn } from "../workdir/returns.ts";
import { readMachine } from "../workdir/snapshot.ts";
import { DirectoryChanges } from "../workdir/store/directory_changes.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import { inTurns } from "./in_turns.ts";
import { type PicturedNode, pictureNodes } from "./picture_of_nodes.ts";
import {
  addMachine,
  addReturned,
  byId,
  emptyRequest,
  emptyReturn,
  type PicturedRequest,
  statusOf,
  UNKNOWN_TEMPLATE,
} from "./picture_of_requests.ts";
import { lookAtMachine, machineStamp, type PicturedMachine } from "./picture_of_machine.ts";
import { lookAtService, type PicturedService, type ServiceFacts } from "./picture_of_service.ts";
import { type PicturedTemplate, pictureTemplates, RECENT_SECONDS } from "./picture_of_templates.ts";
import { ReportedMachines } from "./reported_machines.ts";

export type { PicturedNode, PicturedRequest };

/** The grid at one moment, from the work directory. Everything is sorted by name, machines by request and index. */
export interface Picture {
  /** When it was taken, in seconds since the epoch. What it shows of the cluster is as old as `service.heardAt`. */
  at: number;
  service: PicturedService;
  machines: PicturedMachine[];
  requests: PicturedRequest[];
  returns: PicturedRequest[];
  templates: PicturedTemplate[];
  nodes: PicturedNode[];
  /** What could not be read, as sentences. */
  problems: string[];
}

export interface PictureOptions {
  clock: Clock;
  /** See `Config.onPartialFailure`. */
  onPartialFailure: PartialFailure;
  /** The templates of the templates file; absent if that is not known. */
  templates?: () => readonly Template[];
  /** Also show requests that ended more than an hour ago, with all their machines (false). */
  everything?: boolean;
  /** The ids of the requests and return requests to show, and no templates and nodes: those are of the whole. Absent: all. */
  only?: ReadonlySet<string>;
  /** Skip nodes and the pods of running machines: their node, address, zone and age stay unknown (false). */
  isBrief?: boolean;
  /** This is the only picture: remember nothing for another one (false). */
  isOnly?: boolean;
  /** The caller reports by `changed` which machines were written; the others are then checked less often (false). */
  reportsChanges?: boolean;
  /** How the work is cut into turns; default: ones of 10 ms. */
  budget?: Budget;
}

/** How long one turn may take, in milliseconds: nothing may keep the loops of `serve` waiting for 20 ms. */
const TURN_MS = 10;

/** How often all machines are checked although the caller reports changes, in milliseconds. */
const LOOK_AT_ALL_EVERY_MS = 15_000;

/** How often requests that ended long ago are checked again, in milliseconds. */
const FORGET_PAST_EVERY_MS = 60_000;

interface KnownRequest {
  stored: StoredRequest;
  ended: FinishedNote | undefined;
  machines: Map<string, { isPending: boolean; stamp: string; looked: PicturedMachine }>;
}

interface KnownReturn {
  stored: StoredReturn;
  ended: FinishedNote | undefined;
  /** The machines that were seen gone, each with its stamp at that time. */
  gone: Map<string, string>;
}

/**
 * Takes pictures of the grid from the work directory, whether it is served or not. It remembers what it has read, and
 * for the next picture reads only what may have changed. It changes no files.
 */
export class PictureTaker {
  readonly #workdir: Workdir;
  readonly #options: PictureOptions;
  readonly #budget: Budget;
  readonly #requests = new Map<string, KnownRequest>();
  readonly #returns = new Map<string, KnownReturn>();
  /** Requests and return requests that ended too long ago to be shown. From time to time they are checked again. */
  readonly #past = new Set<string>();
  #pastDueMs = -Infinity;
  readonly #zones: NodeZones;
  readonly #returnIndex: ReturnIndex;
  readonly #changes: DirectoryChanges[];
  readonly #reported = new ReportedMachines();
  #allDueMs = -Infinity;
  #problems: string[] = [];

  constructor(workdir: Workdir, options: PictureOptions) {
    this.#workdir = workdir;
    this.#options = options;
    this.#budget = options.budget ?? new Budget(options.clock, { turnMs: TURN_MS });
    this.#returnIndex = new ReturnIndex(workdir);
    this.#zones = new NodeZones(workdir);
    const { pods, podsStatus, machines, returnRequests } = workdir.layout;
    this.#changes = [pods, podsStatus, machines, returnRequests].map((directory) =>
      new DirectoryChanges(workdir, directory)
    );
  }

  /** Notes that these machines were written. */
  changed(machines: Iterable<string>): void {
    this.#reported.add(machines);
  }

  /** @throws if the work directory cannot be read at all */
  async take(): Promise<Picture> {
    const { clock } = this.#options;
    this.#budget.begin();
    this.#problems = [];
    const nowMs = clock.now();
    const now = epochSeconds(nowMs);
    const facts = lookAtService(this.#workdir, nowMs);
    this.#forgetPast();
    await this.#followRequests(now);
    await this.#followReturns(now);
    // A command that takes a single picture may not need it: then it is refreshed when a machine asks for it.
    if (!this.#options.isOnly) await this.#returnIndex.refreshInTurns(nowMs, this.#budget);
    await this.#look(facts, nowMs);
    const returnOf = this.#returnOfMachines();
    const machines = await this.#machines(returnOf);
    const requests = await this.#pictureRequests(machines);
    const returns = await this.#pictureReturns(machines);
    const grid = this.#options.only ? { templates: [], nodes: [] } : this.#pictureGrid(machines, now);
    return { at: now, service: facts.service, machines, requests, returns, ...grid, problems: this.#problems };
  }

  #pictureGrid(machines: readonly PicturedMachine[], now: number): Pick<Picture, "templates" | "nodes"> {
    const { templates } = this.#options;
    return {
      templates: pictureTemplates(machines, { templates: this.#unlessBroken(() => templates?.()), now }),
      nodes: pictureNodes(machines, {
        names: this.#unlessBroken(() => this.#zones.followedNodes()) ?? [],
        departures: this.#unlessBroken(() => readDepartures(this.#workdir)) ?? new Map(),
        zoneOf: (node) => this.#zoneOf(node),
      }),
    };
  }

  /** From time to time, because the note that a request is finished may be removed again. */
  #forgetPast(): void {
    const nowMs = this.#options.clock.monotonic();
    if (nowMs < this.#pastDueMs) return;
    this.#past.clear();
    this.#pastDueMs = nowMs + FORGET_PAST_EVERY_MS;
  }

  #unlessBroken<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.#problems.push(describeError(error));
      return undefined;
    }
  }

  async #each<T>(all: Iterable<T>, act: (one: T) => void): Promise<void> {
    await inTurns({ workdir: this.#workdir, budget: this.#budget }, all, act);
  }

  async #followRequests(now: number): Promise<void> {
    const { requests } = this.#workdir.layout;
    await this.#follow(requests, this.#requests, now, (id, ended, known) => {
      const isRead = known?.stored.processed && known.stored.record;
      const stored = isRead ? known.stored : readRequest(this.#workdir, id);
      return stored && { stored, ended, machines: known?.machines ?? new Map() };
    });
  }

  async #followReturns(now: number): Promise<void> {
    const { returnRequests } = this.#workdir.layout;
    await this.#follow(returnRequests, this.#returns, now, (id, ended, known) => {
      const stored = known?.stored.processed ? known.stored : readReturn(this.#workdir, id);
      return stored && { stored, ended, gone: known?.gone ?? new Map() };
    });
  }

  /** Updates `known` to the requests that are now in a directory. */
  async #follow<T extends { ended: FinishedNote | undefined }>(
    directory: string,
    known: Map<string, T>,
    now: number,
    read: (id: string, ended: FinishedNote | undefined, before: T | undefined) => T | undefined,
  ): Promise<void> {
    const { only } = this.#options;
    const isWanted = (id: string) => isRequestId(id) && (only?.has(id) ?? true);
    const listed = new Set(this.#workdir.directories(directory).filter(isWanted));
    for (const id of known.keys()) if (!listed.has(id)) known.delete(id);
    await this.#each(listed, (id) => {
      const path = `${directory}/${id}`;
      if (this.#past.has(path)) return;
      this.#unlessBroken(() => {
        const before = known.get(id);
        const ended = readFinishedNote(this.#workdir, path);
        const isPast = ended !== undefined && now - ended.endedAt > RECENT_SECONDS && !this.#options.everything;
        if (isPast) this.#past.add(path);
        const one = isPast ? undefined : read(id, ended, before);
        if (one) known.set(id, one);
        else known.delete(id);
      });
    });
  }

  async #look({ limits, clusterAheadSeconds }: ServiceFacts, nowMs: number): Promise<void> {
    const { machines: reported, isStorm } = this.#reported.next();
    const isAllDue = this.#isAllDue(nowMs);
    const { isOnly = false } = this.#options;
    const isBrief = isStorm || (this.#options.isBrief ?? false);
    const isReturned = (machine: string) => {
      this.#returnIndex.refresh(nowMs);
      return this.#returnIndex.has(machine);
    };
    const zoneOf = (node: string) => this.#zoneOf(node);
    for (const [requestId, { stored, machines }] of this.#requests) {
      const { record } = stored;
      const templateId = record?.templateId ?? UNKNOWN_TEMPLATE;
      const context = { requestId, templateId, record, isReturned, limits, clusterAheadSeconds, isBrief, zoneOf };
      const [created, pending] = [{ ...context, isPending: false }, { ...context, isPending: true }];
      await this.#each(stored.machines, ({ name, pending: isPending }) => {
        const before = machines.get(name);
        const isSame = before?.isPending === isPending && before.looked.state !== "creating";
        const isDue = isAllDue || !isSame || reported.has(name);
        if (!isDue) return;
        const isStampless = isOnly || (isStorm && reported.has(name));
        const stamp = isStampless ? "" : this.#readStamp(name, { isPending, isReturned });
        if (before && stamp !== "" && before.stamp === stamp) return;
        const looked = lookAtMachine(this.#workdir, name, isPending ? pending : created);
        if (isStorm) this.#reported.owe(name);
        machines.set(name, { isPending, stamp: isStorm ? "" : stamp, looked });
      });
    }
  }

  /** The stamp of a machine; empty if it cannot be read. */
  #readStamp(name: string, options: { isPending: boolean; isReturned: (machine: string) => boolean }): string {
    return this.#unlessBroken(() => machineStamp(this.#workdir, name, options)) ?? "";
  }

  /** True if machines may have changed without a report. */
  #isAllDue(nowMs: number): boolean {
    if (this.#options.reportsChanges && this.#options.clock.monotonic() < this.#allDueMs) return false;
    const looks = this.#changes.map((directory) => directory.look(nowMs));
    this.#allDueMs = this.#options.clock.monotonic() + LOOK_AT_ALL_EVERY_MS;
    return looks.some((look) => look !== "unchanged");
  }

  /** The return request of each machine, if it is in the picture. */
  #returnOfMachines(): Map<string, string> {
    const returnOf = new Map<string, string>();
    // If there are several, it is the one whose id sorts first, in whatever order they were read.
    for (const id of [...this.#returns.keys()].sort().reverse()) {
      for (const machine of this.#returns.get(id)!.stored.machines) returnOf.set(machine, id);
    }
    return returnOf;
  }

  async #machines(returnOf: ReadonlyMap<string, string>): Promise<PicturedMachine[]> {
    const pictured: PicturedMachine[] = [];
    for (const id of [...this.#requests.keys()].sort()) {
      const { stored, machines } = this.#requests.get(id)!;
      await this.#each(stored.machines, ({ name }) => {
        const known = machines.get(name);
        if (!known) return;
        const zone = this.#zoneOf(known.looked.node);
        const returnId = returnOf.get(name);
        const isSame = known.looked.zone === zone && known.looked.returnId === returnId;
        if (!isSame) known.looked = { ...known.looked, zone, returnId };
        pictured.push(known.looked);
      });
    }
    return pictured;
  }

  #zoneOf(node: string): string {
    return node === "" || this.#options.isBrief ? "" : this.#unlessBroken(() => this.#zones.of(node)) ?? "";
  }

  async #pictureRequests(machines: readonly PicturedMachine[]): Promise<PicturedRequest[]> {
    const pictured = new Map<string, PicturedRequest>();
    for (const [id, { stored, ended }] of this.#requests) pictured.set(id, emptyRequest(stored, ended));
    await this.#each(machines, (machine) => addMachine(pictured.get(machine.requestId)!, machine));
    for (const request of pictured.values()) request.status = statusOf(request.counts, this.#options.onPartialFailure);
    return [...pictured.values()].sort(byId);
  }

  async #pictureReturns(machines: readonly PicturedMachine[]): Promise<PicturedRequest[]> {
    if (this.#returns.size === 0) return [];
    const byName = new Map(machines.map((machine) => [machine.name, machine]));
    const pictured: PicturedRequest[] = [];
    for (const { stored, ended, gone } of this.#returns.values()) {
      const one = emptyReturn(stored, ended);
      const request = { hasRecord: stored.record !== undefined, isProcessed: stored.processed };
      await this.#each(stored.machines, (name) => {
        const machine = byName.get(name);
        const stamp = this.#stampOf(name);
        // `creating` may also mean that the machine has no state at all.
        const isThere = machine !== undefined && machine.state !== "creating" && !mayHaveGone(machine.state);
        const result = isThere ? "executing" : gone.get(name) === stamp ? "succeed" : this.#returnResult(name, request);
        if (result === "succeed") gone.set(name, stamp);
        addReturned(one, result, machine);
      });
      pictured.push({ ...one, status: one.counts.executing > 0 ? "running" : "complete" });
    }
    return pictured.sort(byId);
  }

  /** Empty for a machine that is not in the picture. */
  #stampOf(name: string): string {
    const requestId = parseMachineName(name)?.requestId ?? "";
    return this.#requests.get(requestId)?.machines.get(name)?.stamp ?? "";
  }

  /** Machines that cannot be read count as executing, as they do for Symphony. */
  #returnResult(name: string, request: { hasRecord: boolean; isProcessed: boolean }): MachineResult {
    const read = () => resultForReturn(readMachine(this.#workdir, name, { isReturned: () => true }), request);
    return this.#unlessBroken(read) ?? "executing";
  }
}
