import * as v from "valibot";
import type { Budget } from "../budget.ts";
import { HostFactoryError } from "../errors.ts";
import { machineName, MOST_MACHINES, parseMachineName } from "../hf/names.ts";
import { RequestFile } from "./store/layout.ts";
import { Draft, isTaken, publish } from "./store/publish.ts";
import { FiniteNumber, readRecord } from "./store/record.ts";
import type { Workdir } from "./store/workdir.ts";

/** The version of `.request.json` that we write; we read every version up to it. */
const RECORD_VERSION = 1;

const RequestRecordSchema = v.object({
  version: v.pipe(v.number(), v.maxValue(RECORD_VERSION)),
  templateId: v.string(),
  count: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MOST_MACHINES)),
  requestedAt: FiniteNumber,
  up: v.optional(v.literal("Ready")),
});

/** What `.request.json` says of a request for machines. The legacy plug-in writes none. */
export interface RequestRecord {
  version: number;
  templateId: string;
  /** Machines asked for. */
  count: number;
  /** Seconds since the epoch. */
  requestedAt: number;
  /** Its machines count as up once their pods have been Ready; else once they run. */
  up?: "Ready" | undefined;
}

/** A request as it lies in the work directory. */
export interface StoredRequest {
  id: string;
  /** Absent for a request that the legacy plug-in wrote, or whose record was lost. */
  record: RequestRecord | undefined;
  /** Every machine, in the order of their indexes; `pending` if its pod is still to be created. */
  machines: { name: string; index: number; pending: boolean }[];
  /** Every machine has been handled: none is pending. */
  processed: boolean;
}

/** What a new request is made of. */
export interface NewRequest extends Omit<RequestRecord, "version"> {
  id: string;
  /** The pod manifest as JSON; later changes of the template do not touch it. */
  manifest: string;
  /** What the template says to extensions, by their names; likewise. */
  extensions?: Record<string, unknown> | undefined;
}

/**
 * Puts a new request into the work directory, whole or not at all, and durable on return.
 * The same id with the same content is the same request and changes nothing.
 * @throws HostFactoryError if the id is taken by other content, or nothing could be written
 */
export async function addRequest(workdir: Workdir, request: NewRequest, options: { budget: Budget }): Promise<void> {
  if (await isSameRequest(workdir, request)) return;
  try {
    const draft = await draftRequest(workdir, request, options);
    await draft.place();
  } catch (error) {
    if (isTaken(error) && await isSameRequest(workdir, request)) return;
    throw error;
  }
}

/** A new request that is written down and not in its place yet. @throws HostFactoryError if it cannot be written */
export function draftRequest(
  workdir: Workdir,
  request: NewRequest,
  { budget }: { budget: Budget },
): Promise<Draft> {
  const { id, templateId, count, requestedAt, up, manifest, extensions } = request;
  const record: RequestRecord = { version: RECORD_VERSION, templateId, count, requestedAt, up };
  return Draft.build(workdir, workdir.layout.request(id), async (directory) => {
    const texts = {
      [RequestFile.record]: JSON.stringify(record),
      [RequestFile.manifest]: manifest,
      ...(extensions && { [RequestFile.extensions]: JSON.stringify(extensions) }),
    };
    for (const [name, text] of Object.entries(texts)) workdir.makeFile(`${directory}/${name}`, `${text}\n`);
    for (let index = 0; index < count; index++) {
      if (budget.isSpent) await budget.breathe();
      workdir.prototypes.link(RequestFile.manifest, `${directory}/${machineName(id, index)}`);
    }
    return Object.keys(texts).map((name) => `${directory}/${name}`);
  });
}

/**
 * Puts a request back that was lost, as one that has been handled: no pod is created for it. Whole or not at all, and
 * durable on return; one that is there again by now stays as it is.
 * @throws HostFactoryError if nothing could be written
 */
export async function restoreRequest(
  workdir: Workdir,
  { id, record, machines }: { id: string; record: Omit<RequestRecord, "version"> | undefined; machines: string[] },
  { budget }: { budget: Budget },
): Promise<void> {
  const path = workdir.layout.request(id);
  if (readRequest(workdir, id)) return;
  if (workdir.kind(path) === "directory") workdir.files.removeTree(path);
  try {
    await publish(workdir, path, async (directory) => {
      const recordPath = `${directory}/${RequestFile.record}`;
      if (record) {
        const text = JSON.stringify({ version: RECORD_VERSION, ...record } satisfies RequestRecord);
        workdir.makeFile(recordPath, `${text}\n`);
      }
      for (const name of [...machines, RequestFile.processed]) {
        if (budget.isSpent) await budget.breathe();
        workdir.prototypes.empty(`${directory}/${name}`);
      }
      return record ? [recordPath] : [];
    });
  } catch (error) {
    if (!isTaken(error)) throw error;
  }
}

/**
 * True if this request is there already, and then durable: the process that put it there may have died before it was.
 * @throws HostFactoryError if the id is taken by other content
 */
export async function isSameRequest(
  workdir: Workdir,
  wanted: { id: string; templateId: string; count: number },
): Promise<boolean> {
  const { id } = wanted;
  if (workdir.kind(workdir.layout.returnRequest(id))) throw idTaken(id, "a return request");
  const stored = readRequest(workdir, id);
  if (!stored) return false;
  checkSame(stored, wanted);
  await workdir.files.sync(workdir.layout.requests);
  return true;
}

/**
 * The request with this id, or `undefined` if there is none, or its directory has lost all that it said. A machine whose
 * entry was lost counts as pending until the whole request has been handled: creating a pod that exists already does no harm.
 * From then on none is pending, whatever its entry says: a backup that was put over it brings back links. How many machines it
 * has, its record says; only without one do its entries.
 */
export function readRequest(workdir: Workdir, id: string): StoredRequest | undefined {
  const path = workdir.layout.request(id);
  if (workdir.kind(path) !== "directory") return undefined;
  const record = readRequestRecord(workdir, id);
  const processed = workdir.kind(`${path}/${RequestFile.processed}`) !== undefined;
  const machines: StoredRequest["machines"] = [];
  for (let index = 0; index < (record?.count ?? 0); index++) {
    machines.push({ name: machineName(id, index), index, pending: !processed });
  }
  // Then its entries say nothing more, and there may be very many.
  if (record && processed) return { id, record, machines, processed };
  const others: StoredRequest["machines"] = [];
  for (const { name, kind } of workdir.files.list(path)) {
    const parsed = parseMachineName(name);
    if (parsed?.requestId !== id) continue;
    const { index } = parsed;
    const pending = kind === "symlink" && !processed;
    const machine = machines[index];
    if (machine) machine.pending = pending;
    else if (!record) others.push({ name, index, pending });
  }
  const all = machines.concat(others.sort((one, other) => one.index - other.index));
  return all.length === 0 ? undefined : { id, record, machines: all, processed };
}

/** The request's record, or `undefined` if there is none that can be read. */
export function readRequestRecord(workdir: Workdir, id: string): RequestRecord | undefined {
  return readRecord(workdir, `${workdir.layout.request(id)}/${RequestFile.record}`, RequestRecordSchema);
}

/**
 * What a machine's entry in its request says: whether its pod is still to be created, as `readRequest` has it. `undefined` if
 * there is no such entry in a request of ours; a request that is a link leads out of the work directory, and is none.
 */
export function readMachineEntry(workdir: Workdir, machine: string): "pending" | "created" | undefined {
  const requestId = parseMachineName(machine)?.requestId;
  if (requestId === undefined || workdir.kind(workdir.layout.request(requestId)) !== "directory") return undefined;
  const kind = workdir.kind(workdir.layout.requestMachine(requestId, machine));
  if (kind === undefined) return undefined;
  return kind === "symlink" && !isProcessed(workdir, requestId) ? "pending" : "created";
}

/** True if every machine of the request has been handled. Cheap: there may be very many. */
export function isProcessed(workdir: Workdir, id: string): boolean {
  const path = workdir.layout.request(id);
  return workdir.kind(path) === "directory" && workdir.kind(`${path}/${RequestFile.processed}`) !== undefined;
}

/** True for a request that somebody removed: it wants nothing any more. */
export function isTakenAway(workdir: Workdir, id: string): boolean {
  return workdir.kind(workdir.layout.request(id)) === undefined;
}

/** Notes that a machine's pod is never to be created (again): it has been, or the machine was given up on. */
export function settleMachine(workdir: Workdir, requestId: string, machine: string): void {
  workdir.empty(workdir.layout.requestMachine(requestId, machine));
}

/** Makes what `settleMachine` noted survive a power failure. */
export function syncRequest(workdir: Workdir, id: string): Promise<void> {
  return workdir.files.sync(workdir.layout.request(id));
}

/** Notes that no machine of the request is pending any more. */
export async function markProcessed(workdir: Workdir, id: string): Promise<void> {
  workdir.empty(`${workdir.layout.request(id)}/${RequestFile.processed}`);
  await syncRequest(workdir, id);
}

/**
 * The manifest that a pending machine's pod is made from: the request's own, or the file that its link leads to, which with
 * the legacy plug-in lies outside of the work directory.
 */
export function readManifest(workdir: Workdir, id: string, machine: string): string {
  const own = workdir.readText(`${workdir.layout.request(id)}/${RequestFile.manifest}`);
  return own ?? workdir.files.readText(workdir.layout.requestMachine(id, machine));
}

/**
 * What the template of a request said to extensions when it was accepted, by their names; nothing if it said nothing.
 * @throws SyntaxError if the file holds no JSON
 */
export function readConfiguration(workdir: Workdir, id: string): Record<string, unknown> | undefined {
  const text = workdir.readText(`${workdir.layout.request(id)}/${RequestFile.extensions}`);
  return text === undefined ? undefined : v.parse(v.record(v.string(), v.unknown()), JSON.parse(text));
}

function checkSame(
  { record, machines }: StoredRequest,
  wanted: { id: string; templateId: string; count: number },
): void {
  const { count, templateId } = record ?? { count: machines.length, templateId: wanted.templateId };
  if (count !== wanted.count || templateId !== wanted.templateId) {
    throw idTaken(wanted.id, `a request for ${count} machine(s) of template '${templateId}'`);
  }
}

/** The error for an id that stands for something else already. */
export function idTaken(id: string, by: string): HostFactoryError {
  return new HostFactoryError(`Cannot use the request id '${id}': it is taken by ${by}`, {
    hint: "leave --request-id out to get a fresh one",
  });
}
