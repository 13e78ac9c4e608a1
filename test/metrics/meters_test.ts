import assert from "node:assert/strict";
import { type MetricName, METRICS, MOST_VALUES } from "../../src/metrics/declared.ts";
import { Meters } from "../../src/metrics/meters.ts";

Deno.test("what can be known before is there from the start, as zero", async () => {
  const meters = new Meters();
  assert.match(await meters.text("machines_returned_total"), /^machines_returned_total 0$/m);
  const failures = await meters.text("hostfactory_machine_failures_total");
  assert.match(
    failures,
    /^# HELP hostfactory_machine_failures_total .+\n# TYPE hostfactory_machine_failures_total counter$/m,
  );
  assert.match(failures, /\{reason="quota"\} 0$/m);
  assert.match(await meters.text("hostfactory_request_to_stage_seconds"), /_count\{stage="ready"\} 0$/m);
});

Deno.test("counters count, gauges are set, histograms observe", async () => {
  const meters = new Meters();
  meters.add("machines_requested_total", { template_id: "small" }, 5);
  meters.add("machines_requested_total", { template_id: "small" });
  assert.match(await meters.text("machines_requested_total"), /\{template_id="small"\} 6$/m);
  meters.set("hostfactory_machines", 7, { template_id: "small", state: "running" });
  assert.match(await meters.text("hostfactory_machines"), /\{template_id="small",state="running"\} 7$/m);
  meters.observe("hostfactory_event_loop_delay_seconds", 0.02);
  assert.match(await meters.text("hostfactory_event_loop_delay_seconds"), /_bucket\{le="0.025"\} 1$/m);
});

Deno.test("a site with very many templates has a page that stays short", async () => {
  const meters = new Meters();
  for (let n = 0; n < MOST_VALUES + 50; n++) meters.add("machines_requested_total", { template_id: `t${n}` });
  const lines = (await meters.text("machines_requested_total")).split("\n").filter((line) => line.startsWith("mach"));
  assert.equal(lines.length, MOST_VALUES + 1);
  assert.ok(lines.includes('machines_requested_total{template_id="other"} 50'), lines.at(-1));
});

Deno.test("OpenMetrics names a counter without its ending, and its samples with it", async () => {
  const text = await new Meters().text("machines_returned_total", { isOpenMetrics: true });
  assert.match(text, /^# TYPE machines_returned counter\nmachines_returned_total 0$/m);
});

Deno.test("every name ends as its type and unit have it", () => {
  for (const [name, declared] of Object.entries(METRICS)) {
    assert.equal(name.endsWith("_total"), declared.type === "counter", name);
    if ("unit" in declared) assert.ok(name.endsWith(`_${declared.unit}`), name);
    assert.ok(name satisfies string as MetricName && declared.help.length > 5 && !declared.help.endsWith("."), name);
  }
});
