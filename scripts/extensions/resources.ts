/**
 * Requests and limits as the namespace of the pod has them: a cluster that gates pods by their resources names its namespaces
 * `TEAM-dev`, `TEAM-pre` and `TEAM-pro`. `POLICIES` is the path of a JSON file by the end of the namespace's name:
 *
 *     { "dev": { "limits": "remove", "mostCpu": 2 }, "pro": { "limits": "as-requests" } }
 *
 * A pod that asks for more than `mostCpu` cores is refused.
 */
import { type Hooks, Refused, serveHooks } from "./hook.ts";

interface Policy {
  limits?: "remove" | "as-requests";
  mostCpu?: number;
}

export function resources(policies: Record<string, Policy>): Hooks {
  return {
    preCreate({ namespace, pod }) {
      const environment = namespace?.split("-").at(-1) ?? "";
      const { limits, mostCpu = Infinity } = policies[environment] ?? {};
      const cpu = pod.spec.containers.reduce((sum, { resources }) => sum + cores(resources?.requests?.cpu ?? "0"), 0);
      if (cpu > mostCpu) throw new Refused(`${cpu} cores are more than the ${mostCpu} of environment '${environment}'`);
      for (const { resources } of pod.spec.containers) {
        if (!resources) continue;
        if (limits === "remove") delete resources.limits;
        if (limits === "as-requests" && resources.requests) resources.limits = { ...resources.requests };
      }
    },
  };
}

/** Cores of a quantity such as `500m`, `2` or `1.5`. */
function cores(quantity: string): number {
  return quantity.endsWith("m") ? Number(quantity.slice(0, -1)) / 1000 : Number(quantity);
}

if (import.meta.main) {
  serveHooks(resources(JSON.parse(Deno.readTextFileSync(Deno.env.get("POLICIES") ?? "policies.json"))), { port: 9102 });
}
