import { Budget } from "../budget.ts";
import { HostFactoryError } from "../errors.ts";
import { readEvents } from "../events/reader.ts";
import { nearestName } from "../nearest_name.ts";
import type { ReadAccess } from "./open_picture.ts";
import type { RecordedEvent } from "../events/recorded.ts";
import { MACHINE_STEPS } from "./timeline.ts";

/** How long machines of a template took from one state to another, in seconds. */
export interface Timing {
  templateId: string;
  machines: number;
  average: number;
  p50: number;
  p90: number;
  p99: number;
  longest: number;
}

/**
 * How long machines took from the first time in one state until the first time in the other: for each template, and
 * under `all` for all templates together. Machines that were not in both states do not count.
 * @param events of machines, those of type `status` and `template_id`, in any order
 */
export function timingsOf(
  events: Iterable<RecordedEvent>,
  { from, to }: { from: string; to: string },
): { all: Timing | undefined; templates: Timing[] } {
  const machines = new Map<string, { from?: number; to?: number; templateId?: string }>();
  for (const { id, type, value, timestamp } of events) {
    const machine = machines.get(id) ?? {};
    if (type === "template_id") machine.templateId = value;
    if (type === "status" && value === from) machine.from = Math.min(machine.from ?? Infinity, timestamp);
    if (type === "status" && value === to) machine.to = Math.min(machine.to ?? Infinity, timestamp);
    machines.set(id, machine);
  }
  const spans = new Map<string, number[]>();
  const all: number[] = [];
  for (const { from, to, templateId = "unknown" } of machines.values()) {
    if (from === undefined || to === undefined) continue;
    all.push(to - from);
    const others = spans.get(templateId);
    if (others) others.push(to - from);
    else spans.set(templateId, [to - from]);
  }
  const templates = [...spans].map(([templateId, seconds]) => timingOf(templateId, seconds))
    .sort((one, other) => one.templateId < other.templateId ? -1 : 1);
  return { all: all.length === 0 ? undefined : timingOf("all", all), templates };
}

function timingOf(templateId: string, seconds: number[]): Timing {
  seconds.sort((one, other) => one - other);
  // The nearest rank, so that it is the time of a real machine.
  const rank = (share: number) => seconds[Math.max(0, Math.ceil(share * seconds.length) - 1)] ?? 0;
  const sum = seconds.reduce((sum, one) => sum + one, 0);
  return {
    templateId,
    machines: seconds.length,
    average: sum / seconds.length,
    p50: rank(0.5),
    p90: rank(0.9),
    p99: rank(0.99),
    longest: seconds.at(-1) ?? 0,
  };
}

/** Why there are no timings, and what to ask for instead. @param states the states that occur in the events */
export function noTimings(
  { from, to, templates }: { from: string; to: string; templates: readonly string[] | undefined },
  states: readonly string[],
): HostFactoryError {
  const of = templates ? ` of ${templates.join(", ")}` : "";
  const what = `Cannot tell how long machines${of} take from '${from}' to '${to}'`;
  if (states.length === 0) {
    return new HostFactoryError(`${what}: nothing is recorded of them`, {
      hint: "serve stores what happens to machines; --dbfile names where, if not in the work directory",
    });
  }
  const unheard = [from, to].find((state) => !states.includes(state));
  if (unheard === undefined) return new HostFactoryError(`${what}: none of them was in both states`);
  const near = nearestName(unheard, new Set([...states, ...MACHINE_STEPS]));
  return new HostFactoryError(`${what}: none of them was ever '${unheard}'`, {
    hint: near === undefined || near === unheard
      ? `the states that are recorded: ${states.join(", ")}`
      : `did you mean '${near}'?`,
  });
}

/** How long to wait for a process that writes to the events database, in milliseconds. */
const LOCK_WAIT_MS = 5_000;

/**
 * As `timingsOf`, for the events of the database and the spool.
 * @param options `templates`: only these; `dbfile`: the database; default: the work directory's own
 * @throws HostFactoryError if it cannot be read
 */
export async function readTimings(
  { workdir, files, clock }: ReadAccess,
  { from, to, templates, dbfile = workdir.layout.eventsDatabase }: {
    from: string;
    to: string;
    templates?: readonly string[] | undefined;
    dbfile?: string;
  },
): Promise<ReturnType<typeof timingsOf> & { states: string[] }> {
  const source = { files, dbfile, spool: workdir.layout.events, lockWaitMs: LOCK_WAIT_MS };
  const filter = { categories: ["pod"], types: ["status", "template_id"] };
  const events = await readEvents(source, filter, new Budget(clock, { restPerTurn: 0 }));
  const wanted = templates ? ofTemplates(events, templates) : events;
  const states = new Set(wanted.flatMap(({ type, value }) => type === "status" ? [value] : []));
  return { ...timingsOf(wanted, { from, to }), states: [...states] };
}

function ofTemplates(events: readonly RecordedEvent[], templates: readonly string[]): RecordedEvent[] {
  const own = new Set(
    events.flatMap(({ id, type, value }) => type === "template_id" && templates.includes(value) ? [id] : []),
  );
  return events.filter(({ id }) => own.has(id));
}
