import type { PartialFailure } from "../config.ts";
import { type MachineResult, type RequestStatus, requestStatus } from "../hf/status.ts";
import type { FinishedNote } from "../workdir/finished_note.ts";
import type { StoredRequest } from "../workdir/requests.ts";
import type { StoredReturn } from "../workdir/returns.ts";
import type { PicturedMachine } from "./picture_of_machine.ts";

/** The template id that is shown for requests that do not name their template. */
export const UNKNOWN_TEMPLATE = "unknown";

/** What Symphony asked for: a request, or a return request. All times are in seconds since the epoch. */
export interface PicturedRequest {
  kind: "request" | "return";
  id: string;
  /** `unknown` if the request does not say; empty for a return request. */
  templateId: string;
  /** Absent for requests of the legacy plug-in. */
  requestedAt: number | undefined;
  /** The status in the answer to Symphony. */
  status: RequestStatus;
  /** How many machines it has, and how many of them have each result in the answer to Symphony. */
  machines: number;
  counts: Record<MachineResult, number>;
  /** By when all of its machines are up, given up or gone at the latest; absent if that is not known. */
  until: number | undefined;
  /** When it was found finished; absent while it is not. */
  endedAt: number | undefined;
}

/** A request before its machines are counted. */
export function emptyRequest(
  { id, record, machines }: StoredRequest,
  ended: FinishedNote | undefined,
): PicturedRequest {
  return {
    kind: "request",
    id,
    templateId: record?.templateId ?? UNKNOWN_TEMPLATE,
    requestedAt: record?.requestedAt,
    status: "running",
    machines: machines.length,
    counts: { executing: 0, succeed: 0, fail: 0 },
    until: undefined,
    endedAt: ended?.endedAt,
  };
}

/** A return request before its machines are counted. Those that were never issued count as gone. */
export function emptyReturn({ id, record, machines }: StoredReturn, ended: FinishedNote | undefined): PicturedRequest {
  const unknown = record?.unknown.length ?? 0;
  return {
    kind: "return",
    id,
    templateId: "",
    requestedAt: record?.requestedAt,
    status: "running",
    machines: machines.length + unknown,
    counts: { executing: 0, succeed: unknown, fail: 0 },
    until: undefined,
    endedAt: ended?.endedAt,
  };
}

/** Counts a machine of the request. */
export function addMachine(request: PicturedRequest, { result, until }: PicturedMachine): void {
  request.counts[result]++;
  putOff(request, until);
}

/** Counts a machine of the return request. @param machine absent if it is not in the picture */
export function addReturned(
  request: PicturedRequest,
  result: MachineResult,
  machine: PicturedMachine | undefined,
): void {
  request.counts[result]++;
  putOff(request, machine?.goneAt);
}

function putOff(request: PicturedRequest, until: number | undefined): void {
  if (until !== undefined) request.until = Math.max(request.until ?? 0, until);
}

/** The status that Symphony is told of a request, from the counts of its machines. */
export function statusOf(counts: Record<MachineResult, number>, onPartialFailure: PartialFailure): RequestStatus {
  const results = (["executing", "succeed", "fail"] as const).filter((result) => counts[result] > 0);
  return requestStatus(results, onPartialFailure);
}

export function byId(one: PicturedRequest, other: PicturedRequest): number {
  return one.id < other.id ? -1 : 1;
}
