/** A column of a table, in SQL's terms. */
export interface Column {
  name: string;
  type: "INTEGER" | "VARCHAR" | "FLOAT";
  isRequired?: boolean;
}

/**
 * A table that events are transformed into. The key of each is a number, `id`; all but `run_metadata` have a `run_id`
 * that says which run a row belongs to.
 */
export interface Table {
  name: string;
  /** All columns except `id`. */
  columns: readonly Column[];
  unique?: readonly string[];
}

/**
 * The revision that the legacy plug-in's migrations call the tables below (source: `interface-observability.md`,
 * section 4).
 */
export const REVISION = "dd0839d991f2";

const RUN_ID: Column = { name: "run_id", type: "INTEGER", isRequired: true };

/** One row for each `id` of a category of events, in columns that are named after statuses and types. */
export const CATEGORY_TABLES = {
  pod: ofCategory("pod", {
    VARCHAR: ["request_id", "return_id", "template_id"],
    FLOAT: ["cpu_requested", "cpu_limit", "memory_requested", "memory_limit"],
  }, {
    VARCHAR: ["node_name", "node_id"],
    INTEGER: [
      "requested",
      "pending",
      "created",
      "scheduled",
      "running",
      "ready",
      "returned",
      "deleted",
      "failed",
    ],
  }),
  node: ofCategory("node", {
    VARCHAR: ["conditions"],
    FLOAT: [
      "cpu_capacity",
      "cpu_allocatable",
      "memory_capacity",
      "memory_allocatable",
      "cpu_reserved",
      "memory_reserved",
    ],
    INTEGER: ["eviction_empty"],
  }, { VARCHAR: ["zone", "region", "node_size", "capacity_type"], INTEGER: ["created", "ready", "deleted"] }),
  request: ofCategory("request", { INTEGER: ["count"] }, {
    VARCHAR: ["template_id"],
    INTEGER: ["running", "complete"],
  }),
  return: ofCategory("return", { INTEGER: ["count", "running", "complete"] }),
  template: ofCategory("template", { VARCHAR: ["output"] }),
} as const satisfies Record<string, Table>;

/** A container of a pod; `pod_id` is the pod's name. */
export const CONTAINER: Table = {
  name: "container",
  columns: [
    RUN_ID,
    { name: "name", type: "VARCHAR", isRequired: true },
    ...columns({ VARCHAR: ["pod_id"], INTEGER: ["ready", "started", "scheduled"] }),
  ],
  unique: ["pod_id", "name"],
};

export const SUMMARY: Table = {
  name: "summary",
  columns: [RUN_ID, ...columns({ INTEGER: ["start", "end"], FLOAT: ["cpu_minutes", "percentage_node_usage"] })],
};

/** The runs: one row for each. */
export const RUN_METADATA: Table = {
  name: "run_metadata",
  columns: ["cluster", "platform", "region", "namespace", "date"].map((name) => ({
    name,
    type: "VARCHAR",
    isRequired: true,
  })),
  unique: ["cluster", "platform", "namespace", "date"],
};

/** The tables whose rows belong to a run. */
export const RUN_TABLES: readonly Table[] = [...Object.values(CATEGORY_TABLES), CONTAINER, SUMMARY];

/** The names of columns by their type, in their order. */
type Columns = Partial<Record<Column["type"], readonly string[]>>;

function ofCategory(name: string, ...groups: Columns[]): Table {
  return { name, columns: [{ name: "name", type: "VARCHAR", isRequired: true }, RUN_ID, ...groups.flatMap(columns)] };
}

function columns(group: Columns): Column[] {
  return Object.entries(group).flatMap(([type, names]) =>
    names.map((name) => ({ name, type: type as Column["type"] }))
  );
}

/**
 * The statement that creates a table, worded like the legacy plug-in's for SQLite.
 * @param serial the type of a number that increments itself
 */
export function createStatement({ name, columns, unique }: Table, serial: { type: string }): string {
  const isOfRun = columns.includes(RUN_ID);
  const lines = [
    `id ${serial.type} NOT NULL`,
    ...columns.map(({ name, type, isRequired }) => `${quoted(name)} ${type}${isRequired ? " NOT NULL" : ""}`),
    "PRIMARY KEY (id)",
    ...isOfRun ? ["FOREIGN KEY(run_id) REFERENCES run_metadata (id)"] : [],
    ...unique ? [`UNIQUE (${unique.join(", ")})`] : [],
  ];
  return `CREATE TABLE IF NOT EXISTS ${quoted(name)} (\n\t${lines.join(", \n\t")}\n)`;
}

/** The name, in quotes if it is a keyword of SQL, as in the legacy plug-in's statements. */
export function quoted(name: string): string {
  return name === "end" ? `"${name}"` : name;
}
