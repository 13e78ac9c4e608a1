import * as v from "valibot";
import type { Budget } from "../budget.ts";
import { RequestFile } from "./store/layout.ts";
import { dropGone } from "./index/gone_machines.ts";
import { isTaken, publish } from "./store/publish.ts";
import { FiniteNumber, readRecord } from "./store/record.ts";
import { idTaken } from "./requests.ts";
import type { Workdir } from "./store/workdir.ts";

const RECORD_VERSION = 1;

const ReturnRecordSchema = v.object({
  version: v.pipe(v.number(), v.maxValue(RECORD_VERSION)),
  requestedAt: FiniteNumber,
  unknown: v.array(v.string()),
});

/** What `.request.json` says of a return request. The legacy plug-in writes none. */
export interface ReturnRecord {
  version: number;
  /** Seconds since the epoch. */
  requestedAt: number;
  /** Machines that Symphony named and that we never issued: gone from the start. */
  unknown: string[];
}

/** A return request as it lies in the work directory. */
export interface StoredReturn {
  id: string;
  record: ReturnRecord | undefined;
  /** The machines to return, each once. */
  machines: string[];
  processed: boolean;
}

/**
 * Puts a new return request into the work directory, whole or not at all, and durable on return.
 * The same id with the same machines is the same request and changes nothing.
 * @throws HostFactoryError if the id is taken by other content, or nothing could be written
 */
export async function addReturn(
  workdir: Workdir,
  request: { id: string; machines: string[]; unknown: string[]; requestedAt: number },
  { budget }: { budget: Budget },
): Promise<void> {
  const { id, machines, unknown, requestedAt } = request;
  const path = workdir.layout.returnRequest(id);
  if (workdir.kind(workdir.layout.request(id))) throw idTaken(id, "a request for machines");
  if (readReturn(workdir, id)) return await confirmSame(workdir, request);
  const record: ReturnRecord = { version: RECORD_VERSION, requestedAt, unknown };
  try {
    await publish(workdir, path, async (directory) => {
      workdir.empty(workdir.layout.returningRequest(id));
      const recordPath = `${directory}/${RequestFile.record}`;
      workdir.makeFile(recordPath, `${JSON.stringify(record)}\n`);
      for (const machine of new Set(machines)) {
        if (budget.isSpent) await budget.breathe();
        workdir.prototypes.empty(`${directory}/${machine}`);
      }
      return [recordPath];
    });
  } catch (error) {
    if (isTaken(error)) return await confirmSame(workdir, request);
    throw error;
  }
}

/** Notes that it is not finished, and that its machines are given back: none of them is lost. */
export async function noteUnfinished(
  workdir: Workdir,
  { id, machines }: { id: string; machines: string[] },
  options: { budget: Budget },
): Promise<void> {
  workdir.empty(workdir.layout.returningRequest(id));
  await dropGone(workdir, machines, options);
}

/** Every machine of the return requests that are not finished. */
export function machinesBeingReturned(workdir: Workdir): Set<string> {
  const ids = workdir.names(workdir.layout.returning);
  return new Set(ids.flatMap((id) => machinesOfReturn(workdir, id)));
}

/** One that is broken hides no other. */
function machinesOfReturn(workdir: Workdir, id: string): string[] {
  const path = workdir.layout.returnRequest(id);
  try {
    return workdir.kind(path) === "directory" ? workdir.names(path) : [];
  } catch {
    return [];
  }
}

/** The return request with this id, or `undefined` if there is none, or its directory has lost all that it said. */
export function readReturn(workdir: Workdir, id: string): StoredReturn | undefined {
  const path = workdir.layout.returnRequest(id);
  if (workdir.kind(path) !== "directory") return undefined;
  const record = readReturnRecord(workdir, id);
  const machines = workdir.names(path);
  if (!record && machines.length === 0) return undefined;
  return { id, record, machines, processed: workdir.kind(`${path}/${RequestFile.processed}`) !== undefined };
}

/** The return request's record, or `undefined` if there is none that can be read. */
export function readReturnRecord(workdir: Workdir, id: string): ReturnRecord | undefined {
  return readRecord(workdir, `${workdir.layout.returnRequest(id)}/${RequestFile.record}`, ReturnRecordSchema);
}

/** True if every machine of the return request has been seen gone. Cheap: there may be very many. */
export function isReturnProcessed(workdir: Workdir, id: string): boolean {
  const path = workdir.layout.returnRequest(id);
  return workdir.kind(path) === "directory" && workdir.kind(`${path}/${RequestFile.processed}`) !== undefined;
}

/** Notes that every machine of the return request has been seen gone. */
export async function markReturnProcessed(workdir: Workdir, id: string): Promise<void> {
  const path = workdir.layout.returnRequest(id);
  workdir.empty(`${path}/${RequestFile.processed}`);
  await workdir.files.sync(path);
  workdir.remove(workdir.layout.returningRequest(id));
}

/** What is there already is made durable: the process that put it there may have died before it was. */
async function confirmSame(
  workdir: Workdir,
  wanted: { id: string; machines: string[]; unknown: string[] },
): Promise<void> {
  const stored = readReturn(workdir, wanted.id);
  const has = [...stored?.machines ?? [], ...stored?.record?.unknown ?? []].sort().join(" ");
  const wants = [...new Set([...wanted.machines, ...wanted.unknown])].sort().join(" ");
  if (has !== wants) throw idTaken(wanted.id, "a return request for other machines");
  await workdir.files.sync(workdir.layout.returnRequests);
}
