/**
 * Service levels: an operator in the cluster sets up the monitoring of pods that carry `slo.example.com/…`, and this writes
 * what the template says there. Its lint hook tells before anything runs what is missing.
 *
 *     "extensions": { "service-levels": { "objective": 99.5, "window": "30d" } }
 */
import { type Finding, type Hooks, serveHooks } from "./hook.ts";

export function serviceLevels(): Hooks {
  return {
    preCreate({ pod: { metadata }, configuration }) {
      if (configuration.objective === undefined || findings(configuration).length > 0) return;
      metadata.annotations = {
        ...metadata.annotations,
        "slo.example.com/objective": String(configuration.objective),
        "slo.example.com/window": String(configuration.window),
      };
    },
    lint: ({ configuration }) => findings(configuration),
  };
}

function findings({ objective, window }: Record<string, unknown>): Finding[] {
  const found: Finding[] = [];
  if (objective === undefined && window === undefined) return found;
  const note = (key: string, message: string) =>
    found.push({ severity: "error", path: `/configuration/${key}`, message, rule: key });
  if (objective === undefined) note("objective", "objective is missing: say which percentage of tasks has to succeed");
  else if (typeof objective !== "number" || objective <= 0 || objective >= 100) {
    note("objective", "objective must be a percentage between 0 and 100");
  }
  if (typeof window !== "string" || !/^\d+[dh]$/.test(window)) {
    note("window", "window must be a time such as 30d or 12h");
  }
  return found;
}

if (import.meta.main) serveHooks(serviceLevels(), { port: 9106 });
