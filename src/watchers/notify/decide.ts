import type { MachineState } from "../../hf/status.ts";
import type { MachineSnapshot } from "../../machine/snapshot.ts";
import type { MachineEvent } from "../../workdir/notified.ts";

/** What has happened to a machine, as an extension is told. */
export interface MachineNews {
  event: MachineEvent;
  /** Of its pod; `null` if it never had one. */
  uid: string | null;
  /** Why it failed; `null` of any other event, and where that is not known. */
  reason: string | null;
}

/** The state in which there is nothing to add to what was told last: most machines are, and nothing else is read of them. */
const WORD_SAYS: Record<MachineEvent, MachineState> = {
  created: "pending",
  up: "running",
  failed: "failed",
  deleted: "deleted",
};

/**
 * What an extension is still to be told of a machine, in order. One that was told of an end which was none, as a wrong
 * picture of the cluster showed it, is told anew.
 * @param told what it was told last
 */
export function decideNews(
  machine: Pick<MachineSnapshot, "state" | "pod" | "tombstone">,
  told?: MachineEvent,
): MachineNews[] {
  if (told !== undefined && WORD_SAYS[told] === machine.state) return [];
  const happened = eventsOf(machine, { isKnown: told !== undefined });
  const news = told === undefined ? happened : happened.slice(nextAfter(told, happened));
  const { pod, tombstone } = machine;
  const uid = tombstone?.uid ?? pod?.uid ?? null;
  return news.map((event) => ({ event, uid, reason: event === "failed" ? tombstone?.message ?? null : null }));
}

/** Where what is to be told begins. */
function nextAfter(told: MachineEvent, happened: readonly MachineEvent[]): number {
  const place = happened.indexOf(told);
  if (place >= 0) return place + 1;
  if (told === "created") return 0;
  if (told === "up") return happened[0] === "created" ? 1 : 0;
  // Told of a failure that was noted otherwise since: what is left is that it is gone.
  if (told === "failed" && happened.includes("deleted")) return happened.indexOf("deleted");
  return 0;
}

/** @param options `isKnown`: it was told something of the machine, which therefore had a pod, or failed */
function eventsOf(
  { state, pod, tombstone }: Pick<MachineSnapshot, "state" | "pod" | "tombstone">,
  { isKnown }: { isKnown: boolean },
): MachineEvent[] {
  if (state === undefined) return [];
  const hadPod = pod !== undefined || tombstone?.uid !== undefined;
  const isOver = state === "failed" || state === "deleted";
  const isFailure = tombstone !== undefined && !tombstone.returned && !tombstone.succeeded;
  const happened: MachineEvent[] = [];
  if (hadPod) happened.push("created");
  if (state === "running" || state === "succeeded" || tombstone?.up) happened.push("up");
  if (isOver && (tombstone ? isFailure : state === "failed")) happened.push("failed");
  if (state === "deleted" && (happened.length > 0 || isKnown)) happened.push("deleted");
  return happened;
}
