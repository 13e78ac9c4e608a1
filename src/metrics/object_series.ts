import type { ObjectMeta } from "../kube/types.ts";
import { OBJECT_METRICS, type ObjectMetricName } from "./declared.ts";

/** How long, in milliseconds, a pod or node keeps its series after it is gone, as the legacy plug-in has it. */
const GONE_MS = 900_000;

/** What the series of one pod or node are made from. */
export interface ObjectFacts {
  /** Without `end_time`. */
  labels: Readonly<Record<string, string>>;
  /** Values by metric. Metrics that are absent have no series. */
  values: Partial<Record<ObjectMetricName, number>>;
  /** The conditions that are True. */
  conditions: readonly string[];
  conditionMetric: ObjectMetricName;
}

interface Entry {
  version: string | undefined;
  facts: ObjectFacts;
  endTime: string;
  /** The labels as they stand between the braces, in the order of the alphabet; absent until a page asks for them. */
  labels?: string | undefined;
  /** On the monotonic clock; absent while it exists. */
  goneAtMs?: number;
}

/**
 * The series of the legacy plug-in that have a pod or a node in their labels, kept as text once a page has asked for them: rendering
 * ten thousand costs milliseconds. Those of more than `most` objects are left out.
 */
export class ObjectSeries<T extends { metadata: ObjectMeta }> {
  readonly #factsOf: (object: T) => ObjectFacts;
  readonly #most: number;
  /** By uid. */
  readonly #entries = new Map<string, Entry>();
  readonly #leftOut = new Set<string>();
  #listed = new Set<string>();
  /** The entries of objects that are gone, by uid, the first to go first. */
  readonly #gone = new Set<string>();

  constructor(factsOf: (object: T) => ObjectFacts, { most }: { most: number }) {
    this.#factsOf = factsOf;
    this.#most = most;
  }

  /** Objects that exist and have no series. */
  get leftOut(): number {
    return this.#leftOut.size;
  }

  /** A LIST begins. */
  begin(): void {
    this.#listed = new Set();
  }

  listed(object: T): void {
    this.#listed.add(object.metadata.uid ?? "");
    this.saw(object);
  }

  /** The LIST is complete: what it did not name is gone. */
  complete(now: { ms: number; time: string }): void {
    for (const uid of this.#entries.keys()) if (!this.#listed.has(uid)) this.#end(uid, now);
    for (const uid of this.#leftOut) if (!this.#listed.has(uid)) this.#leftOut.delete(uid);
  }

  saw(object: T): void {
    const { uid = "", resourceVersion, deletionTimestamp } = object.metadata;
    const before = this.#entries.get(uid);
    if (before && before.version === resourceVersion) return;
    if (!before && !this.#hasRoom()) return void this.#leftOut.add(uid);
    this.#leftOut.delete(uid);
    this.#gone.delete(uid);
    const endTime = plainTime(deletionTimestamp);
    this.#entries.set(uid, { version: resourceVersion, facts: this.#factsOf(object), endTime });
  }

  gone(object: T, now: { ms: number; time: string }): void {
    this.saw(object);
    const { uid = "" } = object.metadata;
    this.#leftOut.delete(uid);
    this.#end(uid, now);
  }

  /** The lines of one metric, with its help and type, in pieces; none if no object has it. */
  *lines(name: ObjectMetricName, nowMs: number): Generator<string> {
    let isFirst = true;
    for (const [uid, entry] of this.#entries) {
      if (nowMs >= (entry.goneAtMs ?? Infinity) + GONE_MS) this.#forget(uid);
      else {
        const line = linesOf(name, entry);
        if (line === "") continue;
        yield isFirst ? `${headOf(name)}${line}` : line;
        isFirst = false;
      }
    }
  }

  /** True if there is room for one more object; forgets the one that has been gone longest if that makes room. */
  #hasRoom(): boolean {
    if (this.#entries.size < this.#most) return true;
    const [first] = this.#gone;
    return first !== undefined && this.#forget(first);
  }

  /** Forgets an object that is gone. @returns whether there was one */
  #forget(uid: string): boolean {
    this.#gone.delete(uid);
    return this.#entries.delete(uid);
  }

  #end(uid: string, { ms, time }: { ms: number; time: string }): void {
    const entry = this.#entries.get(uid);
    if (!entry || entry.goneAtMs !== undefined) return;
    entry.goneAtMs = ms;
    this.#gone.add(uid);
    if (entry.endTime !== "") return;
    entry.endTime = plainTime(time);
    entry.labels = undefined;
  }
}

/** A time as the legacy plug-in writes it, in UTC: `2026-11-21T16:13:49`; empty for none. */
export function plainTime(time: string | null | undefined): string {
  return time?.slice(0, "2026-11-21T16:13:49".length) ?? "";
}

function headOf(name: ObjectMetricName): string {
  const { help, type } = OBJECT_METRICS[name];
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function linesOf(name: ObjectMetricName, entry: Entry): string {
  const { facts, endTime } = entry;
  const labels = entry.labels ??= labelText({ ...facts.labels, end_time: endTime });
  if (name === facts.conditionMetric) {
    return facts.conditions.map((type) => `${name}{${labels},type="${escapedLabel(type)}"} 1\n`).join("");
  }
  const value = facts.values[name];
  return value === undefined ? "" : `${name}{${labels}} ${value}\n`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.keys(labels).sort().map((name) => `${name}="${escapedLabel(labels[name] ?? "")}"`).join(",");
}

/** Escapes the value of a label for use between quotation marks. */
export function escapedLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
