import { eventsOf, rowsOf } from "../../src/events/rows.ts";
import { machineName } from "../../src/hf/names.ts";
import type { RequestAnswer } from "../../src/hf/answers.ts";
import type { Host } from "./host.ts";
import type { Invariant, VerbRun } from "./invariants.ts";
import type { Simulation } from "./simulation.ts";

/** What a run has shown of the events of one host, each with when it was seen. */
class Recorded {
  /** By the path of each batch in the spool, its rows as JSON. */
  waiting = new Map<string, { rows: string[]; atMs: number }>();
  /** Rows of batches that were removed from it. */
  stored = new Map<string, number>();
  /** What verbs have answered that they accepted: rows without their times. */
  answered = new Map<string, number>();

  /** Forgets what somebody may have taken away since. */
  forget(takenMs: number): void {
    for (const [path, { atMs }] of this.waiting) if (atMs <= takenMs) this.waiting.delete(path);
    for (const seen of [this.stored, this.answered]) {
      for (const [row, atMs] of seen) if (atMs <= takenMs) seen.delete(row);
    }
  }
}

/**
 * 21. What a verb answered is in the events database, once; but where power failed while it was in the spool. No batch is
 * removed before what is stored of it lasts.
 */
export function storedOnce(simulation: Simulation): Invariant {
  const { plan, clock } = simulation;
  const ofHosts = new Map<Host, Recorded>();
  const recordedOn = (host: Host): Recorded => {
    const recorded = ofHosts.get(host) ?? new Recorded();
    ofHosts.set(host, recorded);
    recorded.forget(Math.max(simulation.emptiedMs, simulation.restoredMs));
    return recorded;
  };
  let crashedMs = -Infinity;
  return {
    number: 21,
    title: "What is recorded is stored once",
    batchChanged(host, path) {
      const { waiting, stored } = recordedOn(host);
      const atMs = clock.monotonic();
      const rows = rowsOfBatch(host, path);
      if (rows) return void waiting.set(path, { rows, atMs });
      for (const row of waiting.get(path)?.rows ?? []) stored.set(row, atMs);
      waiting.delete(path);
      return undefined;
    },
    answered(run) {
      if (!plan.recording || run.failed || !run.isWell) return undefined;
      const { answered } = recordedOn(simulation.host);
      for (const fact of factsOf(run)) answered.set(fact, clock.monotonic());
      return undefined;
    },
    crashed() {
      if (!plan.recording || simulation.powerMs === crashedMs || simulation.powerMs < clock.monotonic()) {
        return undefined;
      }
      crashedMs = simulation.powerMs;
      const { host } = simulation;
      const { waiting, stored, answered } = recordedOn(host);
      for (const [path, { rows }] of waiting) {
        if (rowsOfBatch(host, path)) continue;
        waiting.delete(path);
        for (const row of rows) answered.delete(factOf(row));
      }
      const inDatabase = host.databases.rows();
      const lost = [...stored.keys()].find((row) => !inDatabase.has(row));
      return lost && `${lost} was removed from the spool, and the power failure took it from the database`;
    },
    rested() {
      if (!plan.recording) return undefined;
      const { host } = simulation;
      const { waiting, stored, answered } = recordedOn(host);
      const [left] = waiting.keys();
      if (left !== undefined) return `${left} is not stored`;
      const inDatabase = host.databases.rows();
      const lost = [...stored.keys()].find((row) => !inDatabase.has(row));
      if (lost !== undefined) return `${lost} was removed from the spool, and is not in the database`;
      const counts = new Map<string, number>();
      for (const row of inDatabase) counts.set(factOf(row), (counts.get(factOf(row)) ?? 0) + 1);
      for (const fact of answered.keys()) {
        const count = counts.get(fact) ?? 0;
        // What was asked for before the directory was taken away may have been asked for again.
        const isRight = count === 1 || count > 1 && simulation.wipedMs > -Infinity;
        if (!isRight) return `${fact} was answered, and is in the database ${count} times`;
      }
      return undefined;
    },
  };
}

/** What a verb has accepted with its answer: `[category, id, type, value]` as JSON, without the value where it is not known. */
function factsOf({ verb, input, answer }: VerbRun): string[] {
  const { requestId: id } = answer as RequestAnswer;
  if (id === undefined) return [];
  if (verb === "requestReturnMachines") {
    // Machines that were never issued are not counted.
    return [JSON.stringify(["return", id, "count"])];
  }
  if (verb !== "requestMachines") return [];
  const { template: { machineCount } } = input as { template: { machineCount: number } };
  const machines = Array.from({ length: machineCount }, (_, index) => machineName(id, index));
  const pairs = [
    ["request", id, "count", machineCount],
    ...machines.map((name) => ["pod", name, "status", "requested"]),
  ];
  return pairs.map((pair) => JSON.stringify(pair));
}

/** A row without its time and metadata. */
function factOf(row: string): string {
  const [, , category, id, , type, value] = JSON.parse(row);
  if (category === "return" && type === "count") return JSON.stringify([category, id, type]);
  return JSON.stringify([category, id, type, type === "count" ? Number(value) : value]);
}

/** Nothing where there is none, or a power failure has torn it. */
function rowsOfBatch({ workdir }: Host, path: string): string[] | undefined {
  const text = workdir.readText(path);
  if (!text?.endsWith("]")) return undefined;
  return (eventsOf(JSON.parse(text)) ?? []).flatMap((event) => rowsOf(event, { skipEvents: true }))
    .map((row) => JSON.stringify(row));
}
