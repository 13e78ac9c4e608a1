import { type Clock, NOT_NEEDED } from "../clock.ts";
import type { Environment } from "../config.ts";
import { systemMeasureDisk } from "./disk_usage.ts";
import { serveEdge } from "./edge.ts";
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
  /** See `MonitorOptions`. */
  siteTtlSeconds: number;
}

/** A monitor, and what tells others of it. */
export interface Monitoring {
  monitor: Monitor;
  /** Ends that. */
  end: () => Promise<void>;
}

/** Begins to serve metrics and health, and to tell the service manager, if there is one. @param options `stopping`: it is told then */
export function openMonitoring(
  { environment, clock, usage }: { environment: Environment; clock: Clock; usage: MonitorOptions["usage"] },
  { hostname, port, stopping, ...options }: MonitoringOptions & { stopping: AbortSignal },
): Monitoring {
  const monitor = new Monitor({ clock, usage, ...options, measureDisk: systemMeasureDisk });
  const end = new AbortController();
  const isServed = port !== 0 && hostname !== "";
  const served = isServed && serveEdge({ hostname, port }, { monitor, clock, signal: end.signal });
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
