import { type Clock, NOT_NEEDED } from "../clock.ts";
import type { Environment } from "../config.ts";
import { systemMeasureDisk } from "./disk_usage.ts";
import { type Page, serveHttp } from "./http_server.ts";
import { Monitor, type MonitorOptions } from "./monitor.ts";
import type { TokenCheck } from "./token.ts";
import { systemSend, tellServiceManager, wishesOf } from "./service_manager.ts";

/** What to serve, and to whom. */
export interface MonitoringOptions {
  /** Where metrics and health are served; empty: nowhere. */
  hostname: string;
  /** 0: none is opened. */
  port: number;
  /** See `MonitorOptions`. */
  mostObjects: number;
  /** A socket where they are served as well. */
  socket?: string | undefined;
  tls?: { cert: string; key: string } | undefined;
  /** The token that the address needs; the socket needs none. */
  token?: TokenCheck | undefined;
  /** See `MonitorOptions`. */
  siteTtlSeconds: number;
}

const BEYOND_LOOPBACK = "The page is shown on a loopback address, or with --http-token-file over TLS " +
  "(--http-cert-file, --http-key-file), or on --http-socket: metrics and health are at /metrics and /healthz";

/** A monitor that is being served. */
export interface Monitoring {
  monitor: Monitor;
  /** Stops serving it. */
  end: () => Promise<void>;
}

/**
 * Begins to serve metrics and health, and to tell the service manager, if there is one.
 * @param options `stopping`: once it aborts, the service manager is told so; `page` makes the handler of the live page
 */
export function openMonitoring(
  { environment, clock, usage }: { environment: Environment; clock: Clock; usage: MonitorOptions["usage"] },
  { hostname, port, socket, tls, token, stopping, page: pageOf, ...options }: MonitoringOptions & {
    stopping: AbortSignal;
    page?: (monitor: Monitor) => Page;
  },
): Monitoring {
  const monitor = new Monitor({ clock, usage, ...options, measureDisk: systemMeasureDisk });
  const end = new AbortController();
  const isServed = port !== 0 && hostname !== "";
  const page = isServed || socket !== undefined ? pageOf?.(monitor) : undefined;
  const common = { monitor, page, clock, signal: end.signal };
  const pageRefusal = isLoopback(hostname) || (tls && token) ? undefined : BEYOND_LOOPBACK;
  const served = [
    isServed && serveHttp({ hostname, port, tls }, { ...common, pageRefusal, token }),
    socket !== undefined && serveHttp({ path: socket }, common),
  ];
  const wishes = wishesOf(environment, Deno.pid);
  const telling = { health: monitor.health, clock, send: systemSend, stopping };
  const told = wishes && tellServiceManager(wishes, telling);
  return {
    monitor,
    async end() {
      end.abort(NOT_NEEDED);
      await Promise.all(served);
      if (stopping.aborted) await told;
    },
  };
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
