import assert from "node:assert/strict";
import { type Declaration, METRICS, OBJECT_METRICS } from "../../src/metrics/declared.ts";

const OURS = /\b(hostfactory_\w+|machines_\w+_total|process_\w+|pod_\w+|node_\w+)\b(?:\{([^}]*)\})?/g;

/** By the name of a sample, the metric that it is of. */
const samples = new Map<string, Declaration>(
  Object.entries<Declaration>({ ...METRICS, ...OBJECT_METRICS }).flatMap(([name, declared]) =>
    declared.type === "histogram"
      ? ["_bucket", "_sum", "_count"].map((ending) => [`${name}${ending}`, declared] as const)
      : [[name, declared] as const]
  ),
);

/**
 * Holds that every series which a query in PromQL names is exported, with those labels and values. @param where for messages
 * @returns how many it names
 */
export function assertExported(query: string, where: string): number {
  const named = [...query.matchAll(OURS)];
  for (const [, name = "", matchers = ""] of named) {
    const { labels = {} } = samples.get(name) ?? assert.fail(`${where}: ${name} is not exported`);
    for (const [, label = "", text = ""] of matchers.matchAll(/(\w+)=~?"([^"]*)"/g)) {
      if (label === "instance") continue; // Prometheus' own.
      const values = labels[label] ?? assert.fail(`${where}: ${name} has no label ${label}`);
      if (values === "open") continue;
      assert.deepEqual(text.split("|").filter((value) => !values.includes(value)), [], `${where}: ${name} ${label}`);
    }
  }
  return named.length;
}
