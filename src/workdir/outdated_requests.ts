import { isRequestId } from "../hf/names.ts";
import { inParallel } from "./store/in_parallel.ts";
import { RequestFile } from "./store/layout.ts";
import { isProcessed, readRequest, readRequestRecord } from "./requests.ts";
import type { Workdir } from "./store/workdir.ts";

/** Why a machine failed whose request another work directory has dealt with. */
export const NOT_CREATED =
  "Its pod was not created before another work directory took over, which has told Symphony so";

/** A request that no serve of this directory has taken up within this time, in milliseconds, was not for this directory. */
const FRESH_MS = 600_000;

/**
 * Marks requests of which no further pod is to be created, because another work directory has served the instance since:
 * Symphony was told there what became of them, and has asked for other machines in their place. Those that no serve has
 * taken up yet, and that are new, are left: Symphony has just come to this host.
 * @returns how many
 */
export async function markOutdatedRequests(workdir: Workdir, nowMs: number): Promise<number> {
  const outdated = unhandledRequests(workdir).filter((id) => !isFresh(workdir, id, nowMs));
  for (const id of outdated) workdir.empty(markOf(workdir, id, "outdated"));
  await inParallel(outdated, (id) => workdir.files.sync(workdir.layout.request(id)));
  return outdated.length;
}

/** True if pods of the request are not to be created any more: see `markOutdatedRequests`. */
export function isOutdated(workdir: Workdir, id: string): boolean {
  return workdir.kind(markOf(workdir, id, "outdated")) !== undefined;
}

/** Notes that the request is taken up: its pods are about to be created. */
export function markTaken(workdir: Workdir, id: string): void {
  workdir.empty(markOf(workdir, id, "taken"));
}

/** True if there are requests of which not every machine has been handled. */
export function hasUnhandledRequests(workdir: Workdir): boolean {
  return unhandledRequests(workdir).some((id) => hasMachines(workdir, id));
}

function unhandledRequests(workdir: Workdir): string[] {
  return workdir.directories(workdir.layout.requests).filter((id) => isRequestId(id) && !isProcessed(workdir, id));
}

/** False for a directory that has nothing of a request in it but its name; true for one that cannot be read. */
function hasMachines(workdir: Workdir, id: string): boolean {
  try {
    return readRequest(workdir, id) !== undefined;
  } catch {
    return true;
  }
}

/** The verb that wrote a request and this process share a host, and so a clock. */
function isFresh(workdir: Workdir, id: string, nowMs: number): boolean {
  if (workdir.kind(markOf(workdir, id, "taken")) !== undefined) return false;
  const { requestedAt } = readRequestRecord(workdir, id) ?? {};
  return requestedAt !== undefined && Math.abs(nowMs - requestedAt * 1000) < FRESH_MS;
}

function markOf(workdir: Workdir, id: string, mark: "taken" | "outdated"): string {
  return `${workdir.layout.request(id)}/${RequestFile[mark]}`;
}
