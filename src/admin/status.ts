import type { Picture } from "./picture.ts";
import type { PicturedMachine } from "./picture_of_machine.ts";
import { heldText } from "./picture_of_service.ts";
import { commonReason, hasFailedLately, isWaiting, type PicturedReason } from "./picture_of_templates.ts";

/** How long a machine may wait before that counts as trouble, in seconds. New nodes take some minutes. */
const LATE_SECONDS = 180;

/** Something that an operator has to look after. */
export interface Trouble {
  /** As one sentence, without a full stop. */
  what: string;
  /** Since when, in seconds since the epoch; absent if that is not known. */
  since?: number | undefined;
  /** What to do about it, as a sentence; or the command that tells more, ready to copy. */
  advice?: string;
  command?: string;
}

/** Whether all is well with the grid, and what is wrong with it. */
export interface GridStatus {
  verdict: "well" | "trouble" | "not served";
  troubles: Trouble[];
}

/** What is wrong in a picture, the worst first. */
export function statusOf({ at, service, machines, problems }: Picture): GridStatus {
  const troubles: Trouble[] = [];
  if (service.notServed !== undefined) {
    const { notServed: what, server, workdir } = service;
    const advice = "The log of serve says why, where one runs; else start it:";
    troubles.push({ what, since: server?.seenAt, advice, command: `hostfactory serve --workdir ${workdir}` });
  } else if (service.doubt !== undefined) {
    const advice = "Ask the cluster yourself:";
    const command = `kubectl -n ${service.cluster?.namespace ?? "NAMESPACE"} get pods`;
    troubles.push({ what: service.doubt, since: service.heardAt, advice, command });
  }
  const held = heldText(service);
  if (held !== undefined) {
    const advice = "What the cluster says of them a minute later decides. See why there are so many:";
    troubles.push({ what: held, since: service.held?.since, advice, command: "hostfactory history --since 10m" });
  }
  for (const problem of problems) troubles.push({ what: problem });
  const quarantined = service.quarantined.length;
  if (quarantined > 0) {
    const what = `${quarantined} ${quarantined === 1 ? "entry" : "entries"} of the work directory quarantined`;
    troubles.push({ what, command: `cat ${service.workdir}/set-aside/*` });
  }
  const late = machines.filter((machine) => isWaiting(machine) && at - (machine.since ?? at) > LATE_SECONDS);
  add(troubles, late, commonReason(late, "waits"));
  const failed = machines.filter((machine) => hasFailedLately(machine, at));
  add(troubles, failed, commonReason(failed, "failed"));
  const verdict = service.notServed !== undefined ? "not served" : troubles.length > 0 ? "trouble" : "well";
  return { verdict, troubles };
}

function add(troubles: Trouble[], machines: PicturedMachine[], reason: PicturedReason | undefined): void {
  if (!reason) return;
  const { what, text, machines: sharing, oldest, example } = reason;
  const all = machines.length;
  const count = `${all} ${all === 1 ? "machine" : "machines"}`;
  const how = what === "waits" ? (all === 1 ? "waits" : "wait") : "failed in the last hour";
  const share = sharing === all ? "" : ` ${sharing} of them:`;
  troubles.push({ what: `${count} ${how}:${share} ${text}`, since: oldest, command: `hostfactory explain ${example}` });
}
