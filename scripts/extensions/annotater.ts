/**
 * Adds annotations that a cluster needs: defaults for every pod, more for those that a selector matches, and what the template
 * asks for, which wins. `RULES` is the path of a JSON file such as
 *
 *     { "defaults": { "owner": "grid" }, "rules": [{ "matchLabels": { "tier": "risk" }, "annotations": { "mesh": "off" } }] }
 *
 * and a template says `"extensions": { "annotater": { "annotations": { "mesh": "on" } } }`. What a manifest says itself stays.
 */
import { type Hooks, serveHooks } from "./hook.ts";

interface Rules {
  defaults?: Record<string, string>;
  rules?: { matchLabels: Record<string, string>; annotations: Record<string, string> }[];
}

export function annotater({ defaults = {}, rules = [] }: Rules): Hooks {
  return {
    preCreate({ pod: { metadata }, configuration }) {
      const matches = (labels: Record<string, string>) =>
        Object.entries(labels).every(([name, value]) => metadata.labels?.[name] === value);
      const selected = rules.filter(({ matchLabels }) => matches(matchLabels)).map(({ annotations }) => annotations);
      metadata.annotations = Object.assign({}, defaults, ...selected, configuration.annotations, metadata.annotations);
    },
  };
}

if (import.meta.main) {
  serveHooks(annotater(JSON.parse(Deno.readTextFileSync(Deno.env.get("RULES") ?? "rules.json"))), { port: 9101 });
}
