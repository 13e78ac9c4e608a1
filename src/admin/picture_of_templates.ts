import { mostCommon, withoutNode } from "../machine/most_common.ts";
import { isTerminal } from "../machine/terminal.ts";
import { NO_LIMIT, type Template } from "../templates/catalogue.ts";
import type { PicturedMachine } from "./picture_of_machine.ts";

/** For how long failures are shown, in seconds. */
export const RECENT_SECONDS = 3_600;

/** A template. The picture has those of the templates file and those of the machines. */
export interface PicturedTemplate {
  templateId: string;
  /** `maxNumber` of the templates file: -1 for no limit; absent if the file does not list the template. */
  maxNumber: number | undefined;
  /** How many more machines there may be; absent for no limit, or if that is not known. */
  room: number | undefined;
  running: number;
  /** Machines that are not up yet. */
  waiting: number;
  /** Machines that failed in the last hour. */
  failed: number;
  /**
   * Why most of the waiting machines wait; if none waits, why most of the failed ones failed; absent if none failed
   * either.
   */
  reason: PicturedReason | undefined;
}

/** A reason that several machines share. */
export interface PicturedReason {
  what: "waits" | "failed";
  text: string;
  machines: number;
  /** Since when the one that waits longest has waited, or when the first one failed: seconds since the epoch. */
  oldest: number | undefined;
  /** The name of that machine. */
  example: string;
}

/** @param options `templates`: those of the templates file, if that is known; `now`: seconds since the epoch */
export function pictureTemplates(
  machines: readonly PicturedMachine[],
  { templates, now }: { templates: readonly Template[] | undefined; now: number },
): PicturedTemplate[] {
  const byTemplate = new Map<string, PicturedMachine[]>(templates?.map(({ templateId }) => [templateId, []]));
  for (const machine of machines) {
    const others = byTemplate.get(machine.templateId);
    if (others) others.push(machine);
    else byTemplate.set(machine.templateId, [machine]);
  }
  const limits = new Map(templates?.map(({ templateId, maxNumber }) => [templateId, maxNumber]));
  return [...byTemplate].map(([templateId, own]) =>
    pictureOf(templateId, own, { maxNumber: limits.get(templateId), now })
  )
    .sort((one, other) => one.templateId < other.templateId ? -1 : 1);
}

function pictureOf(
  templateId: string,
  machines: readonly PicturedMachine[],
  { maxNumber, now }: { maxNumber: number | undefined; now: number },
): PicturedTemplate {
  const waiting = machines.filter(isWaiting);
  const failed = machines.filter((machine) => hasFailedLately(machine, now));
  const isLimited = maxNumber !== undefined && maxNumber !== NO_LIMIT;
  return {
    templateId,
    maxNumber,
    room: isLimited ? Math.max(0, maxNumber - machines.filter(isInUse).length) : undefined,
    running: machines.filter(({ state }) => state === "running").length,
    waiting: waiting.length,
    failed: failed.length,
    reason: commonReason(waiting, "waits") ?? commonReason(failed, "failed"),
  };
}

/** True if it is not up yet and Symphony waits for it. */
export function isWaiting({ waitsFor, returnId }: PicturedMachine): boolean {
  return waitsFor !== undefined && returnId === undefined;
}

/** True if it failed within the last hour. @param now seconds since the epoch */
export function hasFailedLately({ failure, since }: PicturedMachine, now: number): boolean {
  return failure !== undefined && since !== undefined && now - since <= RECENT_SECONDS;
}

/** True if it counts against `maxNumber`, by the same rule as in `MachinesInUse`. */
function isInUse({ state, returnId }: PicturedMachine): boolean {
  return !isTerminal(state) && returnId === undefined;
}

/** The reason that most of these machines share, with the oldest of them; `undefined` if there are no machines. */
export function commonReason(
  machines: readonly PicturedMachine[],
  what: PicturedReason["what"],
): PicturedReason | undefined {
  const textOf = ({ waitsFor, message }: PicturedMachine) => (what === "waits" ? waitsFor : message) ?? "";
  const most = mostCommon(machines.map(textOf));
  if (!most) return undefined;
  const oldest = machines.filter((machine) => withoutNode(textOf(machine)) === withoutNode(most.text))
    .reduce((one, other) => (other.since ?? Infinity) < (one.since ?? Infinity) ? other : one);
  return { what, text: most.text, machines: most.count, oldest: oldest.since, example: oldest.name };
}
