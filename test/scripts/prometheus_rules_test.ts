/** The alert rules that we ship: Prometheus takes them, what they ask for is exported, and they say what to do. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { assertExported } from "../support/exported_series.ts";
import { promtool, runPromtool } from "../support/promtool.ts";
import { readFromTree, root } from "../support/tree.ts";

interface Rule {
  alert: string;
  expr: string;
  annotations: Record<string, string>;
}

const directory = "scripts/prometheus";
const rules: Rule[] = parse(readFromTree(`${directory}/hostfactory.rules.yml`)).groups.flatMap(
  ({ rules }: { rules: Rule[] }) => rules,
);
const missing = promtool === undefined ? " (SKIPPED: no promtool)" : "";

Deno.test("every series that an alert names is exported, with that label and that value", () => {
  for (const { alert, expr } of rules) assert.ok(assertExported(expr, alert) > 0, alert);
});

Deno.test("every alert says what it means and what to do", () => {
  assert.ok(rules.length >= 10);
  for (const { alert, annotations } of rules) {
    assert.deepEqual(Object.keys(annotations), ["summary", "description", "action"], alert);
    assert.match(annotations["action"] ?? "", /\.$/, alert);
  }
});

Deno.test({
  name: `Prometheus takes the rules, and they alert when they should${missing}`,
  ignore: promtool === undefined,
  async fn() {
    const file = `${root}${directory}/hostfactory.rules`;
    for (const args of [["check", "rules", `${file}.yml`], ["test", "rules", `${file}_test.yml`]]) {
      const { code, said } = await runPromtool(args);
      assert.equal(code, 0, said);
    }
  },
});
