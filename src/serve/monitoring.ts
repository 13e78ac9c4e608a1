import type { Clock } from "../clock.ts";
import type { Environment } from "../config.ts";
import type { Monitoring, MonitoringOptions } from "../metrics/open.ts";
import { systemUsage } from "./stats_line.ts";

/** As `openMonitoring` of `metrics/open.ts`; what it takes is loaded only if it is wanted. */
export async function openMonitoring(
  { environment, clock }: { environment: Environment; clock: Clock },
  options: MonitoringOptions & { stopping: AbortSignal },
): Promise<Monitoring> {
  const metrics = await import("../metrics/open.ts");
  return metrics.openMonitoring({ environment, clock, usage: systemUsage }, options);
}
