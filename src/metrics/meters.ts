import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { type Declaration, type MetricName, METRICS, MOST_VALUES } from "./declared.ts";

/** The labels of a sample, by name. */
export type Labels = Readonly<Record<string, string>>;

/** Stands for all values of an open label beyond the first `MOST_VALUES`. */
const OTHER = "other";

type Meter = Counter | Gauge | Histogram;

/** The registry of `prom-client`, made from the declaration. All samples whose labels are known exist from the start, as zero. */
export class Meters {
  readonly #registry = new Registry();
  readonly #meters = new Map<MetricName, Meter>();
  /** The values that are told apart, by metric and open label. */
  readonly #values = new Map<string, Set<string>>();

  constructor() {
    for (const [name, declaration] of Object.entries(METRICS)) {
      const meter = meterOf(name, declaration, this.#registry);
      this.#meters.set(name as MetricName, meter);
      for (const labels of knownLabels(declaration)) begin(meter, labels);
    }
  }

  add(name: MetricName, labels: Labels = {}, by = 1): void {
    const meter = this.#meters.get(name);
    if (meter instanceof Counter) meter.inc(this.#bounded(name, labels), by);
  }

  set(name: MetricName, value: number, labels: Labels = {}): void {
    const meter = this.#meters.get(name);
    if (meter instanceof Gauge) meter.set(this.#bounded(name, labels), value);
  }

  observe(name: MetricName, value: number, labels: Labels = {}): void {
    const meter = this.#meters.get(name);
    if (meter instanceof Histogram) meter.observe(this.#bounded(name, labels), value);
  }

  /** One metric, with its help and type, as Prometheus reads it. */
  async text(name: MetricName, { isOpenMetrics = false }: { isOpenMetrics?: boolean } = {}): Promise<string> {
    const text = `${await this.#registry.getSingleMetricAsString(name)}\n`;
    // Names of counters differ between the two formats, and the library switches formats for a whole registry only.
    return isOpenMetrics ? text.replace(/^(# \w+ \w+)_total /gm, "$1 ") : text;
  }

  /** Limits the values of open labels: a site may have any number of templates, a page of metrics may not. */
  #bounded(name: MetricName, labels: Labels): Labels {
    const declared: Declaration = METRICS[name];
    const bounded: Record<string, string> = {};
    for (const [label, value] of Object.entries(labels)) {
      bounded[label] = declared.labels?.[label] === "open" ? this.#known(`${name} ${label}`, value) : value;
    }
    return bounded;
  }

  #known(key: string, value: string): string {
    const values = this.#values.get(key) ?? new Set();
    this.#values.set(key, values);
    if (values.size < MOST_VALUES) values.add(value);
    return values.has(value) ? value : OTHER;
  }
}

function meterOf(name: string, declaration: Declaration, registry: Registry): Meter {
  const { type, help, labels = {}, buckets = [] } = declaration;
  const options = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  if (type === "counter") return new Counter(options);
  if (type === "gauge") return new Gauge(options);
  return new Histogram({ ...options, buckets: [...buckets] });
}

function begin(meter: Meter, labels: Labels): void {
  if (meter instanceof Counter) meter.inc(labels, 0);
  else if (meter instanceof Gauge) meter.set(labels, 0);
  else meter.zero(labels);
}

/** Every combination of declared label values; none for a metric with an open label. */
function knownLabels({ labels = {} }: Declaration): Labels[] {
  let known: Labels[] = [{}];
  for (const [label, values] of Object.entries(labels)) {
    if (values === "open") return [];
    known = known.flatMap((some) => values.map((value) => ({ ...some, [label]: value })));
  }
  return known;
}
