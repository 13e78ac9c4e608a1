import { type Clock, systemClock } from "../../clock.ts";
import { HostFactoryError } from "../../errors.ts";
import { seededRandom } from "../../random.ts";
import type { User } from "./access.ts";
import { BrowserGuard } from "./browser_guard.ts";
import { SimulatedCluster } from "../cluster.ts";
import { Control } from "./control.ts";
import type { Fault } from "../faults/faults.ts";
import { drawUid } from "../store/identifier.ts";
import { ConnectionLost } from "../faults/interference.ts";
import type { NodeOptions } from "../behaviour/nodes.ts";
import type { Stage } from "../behaviour/stages.ts";
import { ApiError } from "../protocol/status.ts";

/** How to start a simulator. */
export interface SimulatorOptions {
  /** Default: any free port. */
  port?: number;
  /** Default 127.0.0.1. */
  hostname?: string;
  /** The seed of everything random. */
  seed: number;
  stages?: Stage[];
  faults?: Fault[];
  nodes?: NodeOptions;
  namespaces?: string[];
  /** The administrator's token; default: one drawn from the seed. */
  token?: string;
  /** Users in addition to the administrator. */
  users?: User[];
  /** Refuse requests without a token (false: kubectl sends none over plain HTTP). A wrong token is always refused. */
  requireToken?: boolean;
  historyLimit?: number;
  bookmarkPeriodMs?: number;
  clock?: Clock;
}

/** A running simulator. */
export interface Simulator {
  readonly url: string;
  /** The administrator's token. */
  readonly token: string;
  /** The cluster itself, for code in the same process. */
  readonly cluster: SimulatedCluster;
  /** A kubeconfig, as JSON (which is YAML too), of the administrator or of the user whose token is given. */
  kubeconfig(options?: { token?: string; namespace?: string }): string;
  /** Ends all connections at once. Resolves once everything has stopped. */
  stop(): Promise<void>;
  /** Resolves when it has stopped. */
  readonly finished: Promise<void>;
}

/**
 * Starts a simulated cluster behind a plain HTTP server, which web pages cannot call.
 * @throws HostFactoryError if it cannot listen
 */
export function startSimulator(options: SimulatorOptions): Simulator {
  const { port = 0, hostname = "127.0.0.1", seed, clock = systemClock, users = [] } = options;
  const random = seededRandom(seed);
  const token = options.token ?? drawUid(random);
  const admin = { name: "admin", token };
  const cluster = new SimulatedCluster({
    ...options,
    clock,
    random,
    users: [admin, ...users],
    ...(options.requireToken ? {} : { anonymous: admin }),
  });
  const control = new Control(cluster);
  const abort = new AbortController();
  const server = listen(
    { port, hostname, signal: abort.signal },
    (request) => answer({ cluster, control, guard }, request),
  );
  const guard = new BrowserGuard({ names: [hostname, Deno.hostname()], port: server.addr.port });
  const url = `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${server.addr.port}`;
  return {
    url,
    token,
    cluster,
    kubeconfig: (wanted = {}) => kubeconfig(url, { token, namespace: "default", ...wanted }),
    async stop() {
      cluster.stop();
      abort.abort();
      await server.finished;
    },
    finished: server.finished,
  };
}

function listen(
  options: { port: number; hostname: string; signal: AbortSignal },
  handler: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ ...options, onListen: () => {}, onError: () => new Response(null, { status: 500 }) }, handler);
  } catch (cause) {
    throw new HostFactoryError(`Cannot listen on ${options.hostname}, port ${options.port}`, {
      cause,
      hint: "another process may use that port; port 0 takes any that is free",
    });
  }
}

async function answer(
  { cluster, control, guard }: { cluster: SimulatedCluster; control: Control; guard: BrowserGuard },
  request: Request,
): Promise<Response> {
  try {
    guard.check(request);
    if (!/^https?:\/\/[^/]+\/simulator(\/|$)/.test(request.url)) return await cluster.handle(request);
    const user = cluster.access.authenticate(request.headers);
    if (user.allow !== undefined) return Response.json({ error: "only an administrator may do that" }, { status: 403 });
    return await control.answer(request);
  } catch (error) {
    if (error instanceof ConnectionLost) return brokenConnection();
    if (error instanceof ApiError) return Response.json(error.status, { status: error.code });
    throw error;
  }
}

/** An answer that never ends: the nearest to a broken connection that a handler can give. */
function brokenConnection(): Response {
  const body = new ReadableStream({ pull: (controller) => controller.error(new ConnectionLost()) });
  return new Response(body, { headers: { "content-type": "application/json" } });
}

function kubeconfig(server: string, { token, namespace }: { token: string; namespace: string }): string {
  const name = "simulated";
  const document = {
    apiVersion: "v1",
    kind: "Config",
    // Some clients refuse plain HTTP unless they are told not to insist on TLS.
    clusters: [{ name, cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    "current-context": name,
  };
  return JSON.stringify(document, null, 2) + "\n";
}
