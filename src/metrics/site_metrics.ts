import { METRICS, OBJECT_METRICS, type Refusal } from "./declared.ts";
import { escapedLabel } from "./object_series.ts";

/** Series of a site that are kept, at most: what its labels hold is not ours to bound in another way. */
export const MOST_SITE_SERIES = 5_000;

/** An event as the spool has it. */
type SpooledEvent = Readonly<Record<string, unknown>>;

/** The newest number of one series. */
interface Sample {
  /** Seconds since the epoch, as the event says. */
  at: number;
  value: number;
}

/** Keys of an event that are neither a number to be shown nor a label. */
const NO_PAIRS: ReadonlySet<string> = new Set(["category", "timestamp"]);

/**
 * The gauges that a site puts into the spool, as events of the category `metric`: each number is one, the texts beside it are its
 * labels, and its time is the event's (source: `interface-observability.md`, "Prometheus"). Of a series the newest counts, until it is
 * older than `ttlSeconds`.
 */
export class SiteMetrics {
  readonly #ttlSeconds: number;
  readonly #refused: (why: Refusal) => void;
  /** By name, then by labels as they stand between the braces. */
  readonly #series = new Map<string, Map<string, Sample>>();
  #size = 0;

  /** @param options `refused` is told of each number that is not shown */
  constructor({ ttlSeconds, refused }: { ttlSeconds: number; refused: (why: Refusal) => void }) {
    this.#ttlSeconds = ttlSeconds;
    this.#refused = refused;
  }

  /** Takes in the metric events among these; to see one twice changes nothing. @param now in seconds since the epoch */
  take(events: readonly SpooledEvent[], now: number): void {
    for (const event of events) if (event["category"] === "metric") this.#takeOne(event, now);
  }

  /** The lines of all series, with the type of each name, in pieces. @param now in seconds since the epoch */
  *lines(now: number, { isOpenMetrics }: { isOpenMetrics: boolean }): Generator<string> {
    this.#expire(now);
    for (const [name, series] of this.#series) {
      yield `# HELP ${name} Given by the site, in a metric event\n# TYPE ${name} gauge\n`;
      for (const [labels, { value, at }] of series) {
        const time = isOpenMetrics ? at : Math.round(at * 1_000);
        yield `${name}${labels === "" ? "" : `{${labels}}`} ${value} ${time}\n`;
      }
    }
  }

  #takeOne(event: SpooledEvent, now: number): void {
    const at = event["timestamp"];
    const pairs = Object.entries(event).filter(([key]) => !NO_PAIRS.has(key));
    const numbers = pairs.flatMap(([key, value]) =>
      isNumber(value) && key !== "" ? [[key, Number(value)] as const] : []
    );
    if (typeof at !== "number") return numbers.forEach(() => this.#refused("no_time"));
    if (!this.#isFresh(at, now)) return;
    const labels = labelsOf(pairs);
    for (const [key, value] of numbers) this.#set(nameOf(key), labels, { at, value });
  }

  #set(name: string, labels: string, sample: Sample): void {
    if (isTaken(name)) return this.#refused("name_taken");
    const series = this.#series.get(name) ?? new Map<string, Sample>();
    const before = series.get(labels);
    if (before && before.at > sample.at) return;
    if (!before && this.#size >= MOST_SITE_SERIES) return this.#refused("too_many");
    if (!before) this.#size++;
    series.set(labels, sample);
    this.#series.set(name, series);
  }

  #expire(now: number): void {
    for (const [name, series] of this.#series) {
      for (const [labels, { at }] of series) if (!this.#isFresh(at, now) && series.delete(labels)) this.#size--;
      if (series.size === 0) this.#series.delete(name);
    }
  }

  /** A time that is far ahead was not in seconds, and would stay for ever. */
  #isFresh(at: number, now: number): boolean {
    return Math.abs(now - at) <= this.#ttlSeconds;
  }
}

/** True and false are numbers, as the legacy plug-in has it. */
function isNumber(value: unknown): value is number | boolean {
  return typeof value === "number" || typeof value === "boolean";
}

function labelsOf(pairs: readonly (readonly [string, unknown])[]): string {
  const labels = new Map<string, string>();
  for (const [key, value] of pairs) {
    if (key !== "" && typeof value === "string" && value !== "") labels.set(nameOf(key).replaceAll(":", "_"), value);
  }
  return [...labels].sort(([a], [b]) => a < b ? -1 : 1).map(([name, value]) => `${name}="${escapedLabel(value)}"`)
    .join();
}

/** A name as Prometheus takes it: what it has no place for becomes `_`. */
function nameOf(key: string): string {
  return key.replace(/[^\w:]/g, "_").replace(/^(?=\d)/, "_");
}

/** A page names a metric once: those of this program, and what it may export in time, are its own. */
function isTaken(name: string): boolean {
  const family = name.replace(/_(total|bucket|sum|count|created)$/, "");
  return name.startsWith("hostfactory_") || [name, family, `${family}_total`].some((one) => one in METRICS) ||
    name in OBJECT_METRICS;
}
