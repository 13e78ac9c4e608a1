import { type Clock, NOT_NEEDED } from "../clock.ts";
import type { Environment } from "../config.ts";
import { type Page, serveEdge } from "./edge.ts";
import { Monitor, type MonitorOptions } from "./monitor.ts";
import { systemSend, tellServiceManager, wishesOf } from "./service_manager.ts";

/** What is served to whom. */
export interface MonitoringOptions {
  /** Where metrics and health are served; empty: nowhere. */
  hostname: string;
  /** 0: nowhere. */
  port: number;
  /** See `MonitorOptions`. */
  mostObjects: number;
}

/** A monitor, and what tells others of it. */
export interface Monitoring {
  monitor: Monitor;
  /** Ends that. */
  end: () => Promise<void>;
}

/**
 * Begins to serve metrics and health, and to tell the service manager, if there is one.
 * @param options `stopping`: it is told then; `page` gives what answers beside metrics and health
 */
export function openMonitoring(
  { environment, clock, usage }: { environment: Environment; clock: Clock; usage: MonitorOptions["usage"] },
  { hostname, port, mostObjects, stopping, page: pageOf }: MonitoringOptions & {
    stopping: AbortSignal;
    page?: (monitor: Monitor) => Page;
  },
): Monitoring {
  const monitor = new Monitor({ clock, usage, mostObjects });
  const end = new AbortController();
  const isServed = port !== 0 && hostname !== "";
  const page = isServed ? pageOf?.(monitor) : undefined;
  const served = isServed && serveEdge({ hostname, port }, { monitor, page, clock, signal: end.signal });
  const wishes = wishesOf(environment, Deno.pid);
  const telling = { health: monitor.health, clock, send: systemSend, stopping };
  const told = wishes && tellServiceManager(wishes, telling);
  return {
    monitor,
    async end() {
      end.abort(NOT_NEEDED);
      await served;
      if (stopping.aborted) await told;
    },
  };
}
