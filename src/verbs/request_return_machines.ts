import { Budget } from "../budget.ts";
import { epochSeconds } from "../clock.ts";
import { describeError } from "../errors.ts";
import type { NewEvent } from "../events/types.ts";
import type { RequestAnswer } from "../hf/answers.ts";
import { parseMachineName } from "../hf/names.ts";
import { parseReturnMachines } from "../hf/questions.ts";
import { logger } from "../log.ts";
import { dropGone } from "../workdir/index/gone_machines.ts";
import { RequestFile } from "../workdir/store/layout.ts";
import { readMachineEntry } from "../workdir/requests.ts";
import { addReturn, readReturnRecord } from "../workdir/returns.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import { machineNames } from "./machine_names.ts";
import { type Provider, withService } from "./provider.ts";
import { freshRequestId } from "./request_id.ts";

/** Accepts machines that Symphony gives back; `serve` deletes their pods. On disk, whole, when this returns. */
export async function requestReturnMachines(provider: Provider, input: unknown): Promise<RequestAnswer> {
  const { workdir, clock } = provider;
  const budget = new Budget(clock, { restPerTurn: 0 });
  await workdir.prepare();
  const machines = new Set<string>();
  const unknown = new Set<string>();
  for (const name of machineNames(workdir, parseReturnMachines(input))) {
    if (budget.isSpent) await budget.breathe();
    (mayBeIssued(workdir, name) ? machines : unknown).add(name);
  }
  const id = freshRequestId(provider);
  const requestedAt = epochSeconds(clock.now());
  await addReturn(workdir, { id, machines: [...machines], unknown: [...unknown], requestedAt }, { budget });
  recordReturn(provider, { id, machines: [...machines], at: requestedAt });
  await dropFromGoneIndex(provider, [...machines], { budget });
  const missing = [...unknown].slice(0, 10).map((name) => `'${name.slice(0, 80)}'`).join(", ");
  const message = unknown.size === 0
    ? "Machines returned."
    : `Machines returned; never issued here, so gone already: ${missing}`;
  return { message: withService(provider, ["request-return-machines", "pods"], message), requestId: id };
}

/** Says what was given back, and when it was first: asked again, the same. */
function recordReturn(
  { events, workdir }: Provider,
  { id, machines, at: now }: { id: string; machines: string[]; at: number },
): void {
  if (!events) return;
  const at = readReturnRecord(workdir, id)?.requestedAt ?? now;
  const returned = { status: "returned", return_id: id } as const;
  events.record([
    { category: "return", id, pairs: { count: machines.length }, at },
    ...machines.map((machine): NewEvent => ({ category: "pod", id: machine, pairs: returned, at })),
  ]);
}

/** The return request stands by now: what cannot be noted here is noted by `serve`. */
async function dropFromGoneIndex(
  { workdir }: Provider,
  machines: string[],
  options: { budget: Budget },
): Promise<void> {
  try {
    await dropGone(workdir, machines, options);
  } catch (error) {
    logger("request-return-machines").warn("Gone machines left to serve", { error: describeError(error) });
  }
}

/**
 * We issued a name where we have given it a state, where we have seen its pod, or where its request lists it. Where no
 * request says how many machines it has, we may have: the work directory may have been lost, and the first list may not
 * have shown everything since. So `serve` asks the cluster.
 */
function mayBeIssued(workdir: Workdir, name: string): boolean {
  const parsed = parseMachineName(name);
  if (!parsed) return false;
  const { layout } = workdir;
  const isThere = (path: string) => workdir.kind(path) !== undefined;
  if ([layout.podStatus(name), layout.pod(name)].some(isThere)) return true;
  if (readMachineEntry(workdir, name) !== undefined) return true;
  const request = layout.request(parsed.requestId);
  const saysHowMany = workdir.kind(request) === "directory" && isThere(`${request}/${RequestFile.record}`);
  return !saysHowMany;
}
