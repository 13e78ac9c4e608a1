/** The alert rules that we ship: Prometheus takes them, what they ask for is exported, and they say what to do. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { type Declaration, METRICS, OBJECT_METRICS } from "../../src/metrics/declared.ts";
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

/** By sample name, the labels that it can have and the values of those that are closed. */
function exported(): Map<string, Declaration> {
  const all: Record<string, Declaration> = { ...METRICS, ...OBJECT_METRICS };
  const samples = Object.entries(all).flatMap(([name, declared]) =>
    declared.type === "histogram"
      ? ["_bucket", "_sum", "_count"].map((ending) => [`${name}${ending}`, declared] as const)
      : [[name, declared] as const]
  );
  return new Map(samples);
}

Deno.test("every series that an alert names is exported, with that label and that value", () => {
  const samples = exported();
  for (const { alert, expr } of rules) {
    const named = [...expr.matchAll(/\b(hostfactory_\w+)(?:\{([^}]*)\})?/g)];
    assert.ok(named.length > 0, alert);
    for (const [, name = "", matchers = ""] of named) {
      const { labels = {} } = samples.get(name) ?? assert.fail(`${alert}: ${name} is not exported`);
      for (const [, label = "", text = ""] of matchers.matchAll(/(\w+)=~?"([^"]*)"/g)) {
        const values = labels[label] ?? assert.fail(`${alert}: ${name} has no label ${label}`);
        if (values === "open") continue;
        assert.deepEqual(text.split("|").filter((value) => !values.includes(value)), [], `${alert}: ${name} ${label}`);
      }
    }
  }
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
