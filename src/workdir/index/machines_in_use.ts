import * as v from "valibot";
import { describeError } from "../../errors.ts";
import { isRequestId, machineName, parseMachineName } from "../../hf/names.ts";
import { machineStatus } from "../../hf/status.ts";
import { logger } from "../../log.ts";
import { readState } from "../machines.ts";
import { readRecord } from "../store/record.ts";
import { readRequestRecord } from "../requests.ts";
import type { Workdir } from "../store/workdir.ts";

/** Checked in one go: a schema for each of tens of thousands takes many times as long. */
const Ids = v.custom<string[]>((value) => Array.isArray(value) && value.every((one) => typeof one === "string"));
const Indexes = v.custom<number[]>((value) => Array.isArray(value) && value.every(Number.isSafeInteger));

/** What the next process need not find out again. */
const FoundSchema = v.object({
  version: v.literal(1),
  /** Of each request: its id, its template, and the indexes of its machines that may be in use. */
  requests: v.array(v.tuple([v.string(), v.string(), Indexes])),
  /** Requests of which no machine is. */
  over: Ids,
  /** Of each return request that has been read: its id, and those of its machines that were not over then. */
  returns: v.array(v.tuple([v.string(), Ids])),
  /** Return requests of which every machine was. */
  returned: Ids,
});

interface Request {
  templateId: string;
  /** The indexes of machines that were not over when they were last looked at. */
  left: number[];
}

/** A request that counts for no template any more, or of which it cannot be known any more for which. */
const OVER: Request = { templateId: "", left: [] };

/**
 * How many machines of each template are in use: all that were asked for, but for those that have come to their end and
 * those that Symphony has given back. Since machines only ever end, what was found once is kept in the work directory,
 * where it saves the next process from looking at every machine that ever was. Any such file is right, however old, and
 * if there is none, everything is looked at again.
 */
export class MachinesInUse {
  readonly #workdir: Workdir;
  readonly #templateOf: (manifestPath: string) => string | undefined;
  readonly #requests = new Map<string, Request>();
  readonly #returns = new Map<string, string[]>();
  /** For each request the indexes of the machines that are being given back; absent if that is to be found out again. */
  #returnedIndexes: Map<string, Set<number>> | undefined;
  #isBegun = false;
  #isChanged = false;

  /** @param templateOf tells requests of the legacy plug-in, which name no template, by the manifest that they lead to */
  constructor(workdir: Workdir, templateOf: (manifestPath: string) => string | undefined) {
    this.#workdir = workdir;
    this.#templateOf = templateOf;
  }

  /**
   * Takes in which requests have come and gone, the first time return requests too: those that come later only make room.
   * @throws if they cannot be listed
   */
  refresh(): void {
    const { layout } = this.#workdir;
    if (!this.#isBegun) {
      this.#load();
      this.#follow(layout.returnRequests, this.#returns, (id) => this.#readReturn(id));
    }
    this.#follow(layout.requests, this.#requests, (id) => this.#readRequest(id));
    this.#isBegun = true;
  }

  /** How many machines of the template may be in use, as of the last `refresh`: after `look` that is how many are. */
  most(templateId: string): number {
    const returned = this.#returnedIndexes ??= this.#indexReturned();
    let most = 0;
    for (const [id, request] of this.#requests) {
      if (request.templateId === templateId) most += without(request.left, returned.get(id)).length;
    }
    return most;
  }

  /** Looks at every machine of the templates that may be in use, and once at each that is being given back. */
  look(templateIds: ReadonlySet<string>): void {
    // First these: what is over by now is found over by what follows, too.
    for (const [id, machines] of this.#returns) this.#returns.set(id, this.#notOver(machines, (machine) => machine));
    this.#returnedIndexes = undefined;
    for (const [id, request] of this.#requests) {
      if (!templateIds.has(request.templateId)) continue;
      request.left = this.#notOver(request.left, (index) => machineName(id, index));
    }
  }

  /** Keeps for the next process what was found, if that can be written. */
  save(): void {
    if (!this.#isChanged) return;
    const found: v.InferOutput<typeof FoundSchema> = { version: 1, requests: [], over: [], returns: [], returned: [] };
    for (const [id, { templateId, left }] of this.#requests) {
      if (left.length > 0) found.requests.push([id, templateId, left]);
      else found.over.push(id);
    }
    for (const [id, machines] of this.#returns) {
      if (machines.length > 0) found.returns.push([id, machines]);
      else found.returned.push(id);
    }
    try {
      const text = JSON.stringify(found);
      this.#workdir.write(this.#workdir.layout.view("in-use"), `${text}\n`);
      this.#isChanged = false;
    } catch (error) {
      logger("in-use").debug("Not kept for the next process", { error: describeError(error) });
    }
  }

  #load(): void {
    const found = this.#found();
    if (!found) return;
    for (const [id, templateId, left] of found.requests) this.#requests.set(id, { templateId, left });
    for (const id of found.over) this.#requests.set(id, OVER);
    for (const [id, machines] of found.returns) this.#returns.set(id, machines);
    for (const id of found.returned) this.#returns.set(id, []);
  }

  #found(): v.InferOutput<typeof FoundSchema> | undefined {
    try {
      return readRecord(this.#workdir, this.#workdir.layout.view("in-use"), FoundSchema);
    } catch (error) {
      logger("in-use").debug("Found out again", { error: describeError(error) });
      return undefined;
    }
  }

  /** Forgets those that are gone from a directory, and reads those that have come; one that is broken holds up no other. */
  #follow<T>(directory: string, known: Map<string, T>, read: (id: string) => T): void {
    const listed = new Set(this.#workdir.directories(directory).filter(isRequestId));
    for (const id of known.keys()) {
      if (!listed.has(id)) this.#isChanged = known.delete(id);
    }
    for (const id of listed) {
      if (known.has(id)) continue;
      try {
        known.set(id, read(id));
        this.#isChanged = true;
      } catch (error) {
        logger("in-use").debug("Not counted", { directory, id, error: describeError(error) });
      }
    }
  }

  #readRequest(id: string): Request {
    const record = readRequestRecord(this.#workdir, id);
    if (!record) return this.#readWithoutRecord(id);
    return { templateId: record.templateId, left: Array.from({ length: record.count }, (_, index) => index) };
  }

  /**
   * A request of the legacy plug-in tells its template for as long as one of its machines is still to be created.
   * @throws if it says nothing: it may be put back
   */
  #readWithoutRecord(id: string): Request {
    const { files, layout } = this.#workdir;
    const machines = files.list(layout.request(id)).filter(({ name }) => parseMachineName(name)?.requestId === id);
    if (machines.length === 0) throw new Error("It has lost all that it said");
    const pending = machines.find(({ kind }) => kind === "symlink");
    const manifest = pending && this.#workdir.readLink(layout.requestMachine(id, pending.name));
    const templateId = manifest === undefined ? undefined : this.#templateOf(manifest);
    if (templateId === undefined) return OVER;
    return { templateId, left: machines.map(({ name }) => parseMachineName(name)?.index ?? 0) };
  }

  #readReturn(id: string): string[] {
    const machines = this.#workdir.names(this.#workdir.layout.returnRequest(id));
    return machines.filter((machine) => !this.#isOver(machine));
  }

  #indexReturned(): Map<string, Set<number>> {
    const returned = new Map<string, Set<number>>();
    for (const machines of this.#returns.values()) {
      for (const machine of machines) {
        const { requestId, index } = parseMachineName(machine) ?? { requestId: "", index: 0 };
        const indexes = returned.get(requestId) ?? new Set();
        returned.set(requestId, indexes.add(index));
      }
    }
    return returned;
  }

  #notOver<T>(machines: T[], nameOf: (machine: T) => string): T[] {
    const left = machines.filter((machine) => !this.#isOver(nameOf(machine)));
    if (left.length < machines.length) this.#isChanged = true;
    return left;
  }

  /** True if the machine has come to its end; the node of one that is `unknown` may come back with it. */
  #isOver(machine: string): boolean {
    try {
      const state = readState(this.#workdir, machine);
      if (state === undefined) return this.#workdir.kind(this.#workdir.layout.machine(machine)) !== undefined;
      return state !== "unknown" && machineStatus(state) === "terminated";
    } catch {
      return false; // What cannot be read now may be in use.
    }
  }
}

function without(indexes: number[], some: Set<number> | undefined): number[] {
  return some ? indexes.filter((index) => !some.has(index)) : indexes;
}
