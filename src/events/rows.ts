/** One row of the events database, in the order of its columns. */
export type EventRow = readonly [
  hfNamespace: string,
  hfPod: string,
  category: string,
  id: string,
  timestamp: string | number,
  type: string,
  value: string | number,
];

/** Keys of an event that have columns of their own. All other keys are pairs, and each pair is a row. */
const COLUMNS: ReadonlySet<string> = new Set(["hf_namespace", "hf_pod", "category", "id", "timestamp"]);

/** The types of pairs that `--skip-events` leaves out: whole objects, and all that Kubernetes events say. */
const WHOLE: ReadonlySet<string> = new Set(["event", "events"]);

/** An event as the spool has it. */
export type SpooledEvent = Readonly<Record<string, unknown>>;

/** The events of a batch, which is an array of them or one alone; `undefined` if it is neither. */
export function eventsOf(batch: unknown): SpooledEvent[] | undefined {
  if (Array.isArray(batch)) return batch.filter(isEvent);
  return isEvent(batch) ? [batch] : undefined;
}

/**
 * The rows of an event, as the legacy plug-in stores them (source: `interface-observability.md`, "The database"). Metrics,
 * states of the whole cluster and requests for a backup have no rows.
 * @param options `skipEvents`: leave whole objects out
 */
export function rowsOf(event: SpooledEvent, { skipEvents }: { skipEvents: boolean }): EventRow[] {
  const [namespace, pod, category, id] = ["hf_namespace", "hf_pod", "category", "id"].map((key) => text(event[key]));
  if (category === "metric" || category?.includes("state") || isBackupRequest(event)) return [];
  const { timestamp } = event;
  const at = typeof timestamp === "number" && !isTooLarge(timestamp) ? timestamp : text(timestamp);
  return Object.entries(event)
    .filter(([type]) => !COLUMNS.has(type) && !(skipEvents && WHOLE.has(type)))
    .map(([type, value]) => [namespace ?? "", pod ?? "", category ?? "", id ?? "", at, type, stored(value)]);
}

/** True for an event that asks for a copy of the database. */
export function isBackupRequest(event: SpooledEvent): boolean {
  return "sqlite_backup" in event && event["category"] === undefined;
}

/**
 * An event as the legacy plug-in's `watch events` prints it, in one line; nothing for a state of the whole cluster (source:
 * `interface-observability.md`, "`watch events`: options").
 */
export function lineOf(event: SpooledEvent): string | undefined {
  if (isBackupRequest(event)) return `Backup requested: ${text(event["sqlite_backup"])}`;
  return text(event["category"]).includes("state") ? undefined : pythonJson(event, { sorted: false });
}

function isEvent(value: unknown): value is SpooledEvent {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Fractions are passed as numbers: SQLite then writes them as it did for the legacy plug-in. */
function stored(value: unknown): string | number {
  return typeof value === "number" && !Number.isInteger(value) ? value : text(value);
}

/** Passes a whole number as text if it does not fit into 64 bits. */
function isTooLarge(number: number): boolean {
  return Number.isInteger(number) && !Number.isSafeInteger(number);
}

function text(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "";
    case "string":
      return value;
    case "number":
      return String(value);
    case "boolean":
      return value ? "1" : "0";
    default:
      return pythonJson(value);
  }
}

/** JSON as Python's `json.dumps` writes it. @param options `sorted`: the keys of objects in order */
function pythonJson(value: unknown, { sorted = true } = {}): string {
  const json = (one: unknown) => pythonJson(one, { sorted });
  if (Array.isArray(value)) return `[${value.map(json).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const pairs = Object.entries(value);
    if (sorted) pairs.sort(([a], [b]) => a < b ? -1 : 1);
    return `{${pairs.map(([key, one]) => `${json(key)}: ${json(one)}`).join(", ")}}`;
  }
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
