import { METRICS, OBJECT_METRICS, type Refusal } from "./declared.ts";
import { escapedLabel } from "./object_series.ts";

/** How many series of the site are kept at most, because we cannot limit the values of its labels. */
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
 * The gauges that a site puts into the spool as events of the category `metric`. Each number of an event is a gauge, with the texts
 * beside it as labels and the event's time (source: `interface-observability.md`, "Prometheus"). Each series has its newest value,
 * until that is older than `ttlSeconds`.
 */
export class SiteMetrics {
  readonly #ttlSeconds: number;
  readonly #refused: (why: Refusal) => void;
  /** By name, then by labels as they stand between the braces. */
  readonly #series = new Map<string, Map<string, Sample>>();
  #size = 0;

  /** @param options `refused`: called for each number that is not shown */
  constructor({ ttlSeconds, refused }: { ttlSeconds: number; refused: (why: Refusal) => void }) {
    this.#ttlSeconds = ttlSeconds;
    this.#refused = refused;
  }

  /** Takes in the metric events among these. An event that comes twice changes nothing. @param now in seconds since the epoch */
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

  /** A time far in the future is not in seconds. Its series would stay for ever. */
  #isFresh(at: number, now: number): boolean {
    return Math.abs(now - at) <= this.#ttlSeconds;
  }
}

/** Counts true and false as numbers, like the legacy plug-in. */
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

/** A name for Prometheus: characters that it does not allow become `_`. */
function nameOf(key: string): string {
  return key.replace(/[^\w:]/g, "_").replace(/^(?=\d)/, "_");
}

/** A page may name a metric only once, so sites cannot use our names, nor those that we may use in future. */
function isTaken(name: string): boolean {
  const family = name.replace(/_(total|bucket|sum|count|created)$/, "");
  return name.startsWith("hostfactory_") || [name, family, `${family}_total`].some((one) => one in METRICS) ||
    name in OBJECT_METRICS;
}
