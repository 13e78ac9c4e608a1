import type { RecordedEvent } from "../events/recorded.ts";
import { CATEGORY_TABLES, type Column, CONTAINER, SUMMARY, type Table } from "./tables.ts";

/** A value of a column. */
export type Cell = string | number | null;

/** A row: its values by the names of the columns, without `id` and `run_id`. */
export type Row = Record<string, Cell>;

interface Container extends Row {
  name: string;
  pod_id: string;
}

/** The type of event whose value is the container statuses of a pod, as JSON. */
const CONTAINER_STATUSES = "container_statuses";

/**
 * The types of events that are read: those that become columns, under both of their names. All others are skipped, most
 * importantly those whose values are whole objects.
 */
export const TRANSFORMED_TYPES: readonly string[] = [
  "status",
  CONTAINER_STATUSES,
  ...new Set(
    Object.values(CATEGORY_TABLES).flatMap(({ columns }) =>
      columns.flatMap(({ name }) => [name, name.replaceAll("_", "-")])
    ),
  ),
];
export const TRANSFORMED_CATEGORIES: readonly string[] = Object.keys(CATEGORY_TABLES);

/** Columns that no event may set. */
const OWN_COLUMNS: ReadonlySet<string> = new Set(["name", "run_id"]);

/**
 * Turns events into rows, as the legacy plug-in does (source: `interface-observability.md`, section 4). The events have
 * to come in order of time, because the first value of each column counts.
 */
export class Transformation {
  readonly #rows = new Map<string, Map<string, Row>>(TRANSFORMED_CATEGORIES.map((category) => [category, new Map()]));
  readonly #columns = new Map(
    Object.values(CATEGORY_TABLES).map((table: Table) => [
      table.name,
      new Map(table.columns.filter(({ name }) => !OWN_COLUMNS.has(name)).map((column) => [column.name, column])),
    ]),
  );
  readonly #containers = new Map<string, Container>();
  /** How many values could not be used: not a number where one is expected, or not JSON. */
  unusable = 0;

  add({ category, id, timestamp, type, value }: RecordedEvent): void {
    if (value === "null") return;
    if (category === "pod" && type === CONTAINER_STATUSES) return this.#addContainers(id, timestamp, value);
    const isStatus = type === "status";
    const column = this.#columns.get(category)?.get(isStatus ? value : type.replaceAll("-", "_"));
    if (!column) return;
    const cell = isStatus ? Math.floor(timestamp) : this.#cell(column, value);
    if (cell === null) return;
    const rows = this.#rows.get(category);
    const row = rows?.get(id);
    if (row) row[column.name] ??= cell;
    else rows?.set(id, { name: id, [column.name]: cell });
  }

  #cell({ type }: Column, value: string): Cell {
    if (type === "VARCHAR") return value;
    const number = value.trim() === "" ? NaN : Number(value);
    const isUsable = type === "INTEGER" ? Number.isSafeInteger(number) : Number.isFinite(number);
    if (isUsable) return number;
    this.unusable++;
    return null;
  }

  #addContainers(pod: string, timestamp: number, text: string): void {
    const statuses = parsed(text);
    if (!statuses) return void this.unusable++;
    const at = Math.floor(timestamp);
    for (const [name, status] of Object.entries(statuses)) {
      const { ready, started, state } = (status ?? {}) as Record<string, unknown>;
      const key = JSON.stringify([pod, name]);
      const container: Container = this.#containers.get(key) ?? { name, pod_id: pod };
      this.#containers.set(key, container);
      if (ready === true) container["ready"] ??= at;
      if (started === true) container["started"] ??= at;
      if (state === "Waiting") container["scheduled"] ??= at;
    }
  }

  /** How many containers were found. */
  get containers(): number {
    return this.#containers.size;
  }

  /** The rows of every table of a run, table by table. */
  *tables(): Generator<{ table: Table; rows: Iterable<Row> }> {
    const summary = this.summary();
    for (const table of Object.values(CATEGORY_TABLES)) {
      yield { table, rows: this.#rows.get(table.name)?.values() ?? [] };
    }
    yield { table: CONTAINER, rows: this.#containers.values() };
    yield { table: SUMMARY, rows: [{ ...summary }] };
  }

  /** How much of the nodes' CPU time the pods requested. */
  summary(): Summary {
    const nodes = [...this.#rows.get("node")?.values() ?? []];
    const pods = [...this.#rows.get("pod")?.values() ?? []];
    const start = latest(nodes, "created"), end = latest(nodes, "deleted");
    const nodeMinutes = cpuMinutes(nodes, "cpu_capacity", end);
    const podMinutes = cpuMinutes(pods, "cpu_requested", latest(pods, "deleted"));
    const usage = nodeMinutes > 0 ? podMinutes / nodeMinutes * 100 : 0;
    return { start, end, cpu_minutes: nodeMinutes, percentage_node_usage: usage };
  }
}

export interface Summary {
  /** In seconds since the epoch: when the last node was created, and the last was deleted. */
  start: number | null;
  end: number | null;
  cpu_minutes: number;
  /** How much of that the pods requested, in percent. */
  percentage_node_usage: number;
}

function latest(rows: readonly Row[], column: string): number | null {
  return rows.reduce<number | null>((last, row) => {
    const at = row[column];
    return typeof at === "number" && (last === null || at > last) ? at : last;
  }, null);
}

/** The sum of cores times minutes; what is not deleted is taken to be so at `end`. Nothing, if none is. */
function cpuMinutes(rows: readonly Row[], cores: string, end: number | null): number {
  if (end === null) return 0;
  let sum = 0;
  for (const { [cores]: count, created, deleted } of rows) {
    if (typeof count !== "number" || typeof created !== "number") continue;
    sum += count * ((typeof deleted === "number" ? deleted : end) - created) / 60;
  }
  return sum;
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
