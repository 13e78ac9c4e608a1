/** The dashboard that we ship: what it asks for is exported and is PromQL, and Grafana finds everything where it looks for it. */
import assert from "node:assert/strict";
import * as v from "valibot";
import { assertExported } from "../support/exported_series.ts";
import { promtool, runPromtool } from "../support/promtool.ts";
import { readFromTree } from "../support/tree.ts";

const DataSource = v.strictObject({ type: v.literal("prometheus"), uid: v.literal("${datasource}") });
const GridPosition = v.strictObject({ h: v.number(), w: v.number(), x: v.number(), y: v.number() });

/** What Grafana's own schema says of panels, as far as this dashboard uses it. */
const Panel = v.object({
  id: v.pipe(v.number(), v.integer()),
  type: v.picklist(["stat", "timeseries"]),
  title: v.pipe(v.string(), v.minLength(3)),
  description: v.pipe(v.string(), v.minLength(10)),
  datasource: DataSource,
  gridPos: GridPosition,
  targets: v.array(
    v.strictObject({
      refId: v.string(),
      datasource: DataSource,
      expr: v.string(),
      legendFormat: v.string(),
      range: v.boolean(),
      instant: v.optional(v.boolean()),
    }),
  ),
  fieldConfig: v.object({ defaults: v.object({ unit: v.string() }) }),
  options: v.object({}),
});
const Row = v.strictObject({
  id: v.number(),
  type: v.literal("row"),
  title: v.string(),
  collapsed: v.literal(false),
  gridPos: GridPosition,
  panels: v.array(v.never()),
});
const Dashboard = v.object({
  uid: v.literal("hostfactory"),
  title: v.string(),
  schemaVersion: v.number(),
  annotations: v.object({ list: v.array(v.never()) }),
  templating: v.object({ list: v.array(v.object({ name: v.string(), type: v.string(), query: v.string() })) }),
  panels: v.array(v.variant("type", [Panel, Row])),
});

const dashboard = v.parse(Dashboard, JSON.parse(readFromTree("scripts/grafana/hostfactory.json")));
const panels = dashboard.panels.filter((panel) => panel.type !== "row");
const queries = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));
const missing = promtool === undefined ? " (SKIPPED: no promtool)" : "";

Deno.test("every series that the dashboard names is exported, with that label and that value", () => {
  assert.ok(panels.length >= 20);
  for (const { title, expr } of queries) assert.ok(assertExported(expr, title) > 0, title);
  for (const { query } of dashboard.templating.list) assertExported(query, query);
});

Deno.test("no panel covers another, each has a number of its own, and variables that are used are there", () => {
  assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  const taken = new Set<string>();
  for (const { title, gridPos: { x, y, w, h } } of dashboard.panels) {
    assert.ok(x >= 0 && x + w <= 24, title);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        assert.ok(!taken.has(`${column},${line}`), title);
        taken.add(`${column},${line}`);
      }
    }
  }
  const used = new Set(queries.flatMap(({ expr }) => Array.from(expr.matchAll(/\$(?!__)(\w+)/g), ([, name]) => name)));
  const known = dashboard.templating.list.map(({ name }) => name);
  assert.deepEqual([...used].filter((name) => !known.includes(name ?? "")), []);
});

Deno.test({
  name: `every query of the dashboard is PromQL${missing}`,
  ignore: promtool === undefined,
  async fn() {
    const rules = queries.map(({ expr }, n) => ({
      record: `query_${n}`,
      expr: expr.replaceAll("$instance", ".*").replaceAll("$__rate_interval", "1m"),
    }));
    const file = Deno.makeTempFileSync({ suffix: ".yml" });
    Deno.writeTextFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    const { code, said } = await runPromtool(["check", "rules", file]);
    Deno.removeSync(file);
    assert.equal(code, 0, said);
  },
});
