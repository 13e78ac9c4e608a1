import type { Config } from "../config.ts";
import { describeError, HostFactoryError } from "../errors.ts";
import { systemNetwork } from "../kube/transport/network.ts";
import { logger } from "../log.ts";
import { isOwnHost } from "../own_host.ts";
import { NoEvents, pushEvents, type PushOptions, type PushResult, type UploadContext } from "./push.ts";

/** The options of the service. */
export interface ServiceOptions extends PushOptions {
  hostname: string;
  /** 0, for tests: any free port. */
  port: number;
  debug: boolean;
  /** Called with the port once it listens. */
  began?: (port: number) => void;
}

const log = logger("utils");

/**
 * Answers as the legacy plug-in's service does until `signal` aborts.
 * @throws HostFactoryError if it cannot listen there
 */
export async function runService(
  context: Omit<UploadContext, "transport">,
  config: Config,
  options: ServiceOptions,
): Promise<void> {
  const { signal } = context;
  const { hostname } = options;
  const transport = systemNetwork(config.proxy === undefined ? {} : { proxy: config.proxy });
  const push = () => pushEvents({ ...context, transport }, config, options);
  const service = new Service({ ...options, workdir: config.workdir, push });
  try {
    const server = listen(options, { signal, handler: (request) => service.answer(request) });
    log.info("Listening", { address: hostname, port: server.addr.port });
    options.began?.(server.addr.port);
    await server.finished;
  } finally {
    transport.close();
  }
}

function listen(
  { hostname, port }: ServiceOptions,
  { signal, handler }: { signal: AbortSignal; handler: (request: Request) => Promise<Response> },
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname, port, signal, onListen() {} }, handler);
  } catch (error) {
    throw new HostFactoryError(`Cannot listen on ${hostname}, port ${port}: ${describeError(error)}`, {
      hint: "give another --port: serve has its metrics on 8080",
      cause: error,
    });
  }
}

class Service {
  readonly #options: ServiceOptions & { workdir: string; push: () => Promise<PushResult> };
  /** The upload in progress; a request that comes meanwhile gets the same answer. */
  #pushing: Promise<Response> | undefined;

  constructor(options: ServiceOptions & { workdir: string; push: () => Promise<PushResult> }) {
    this.#options = options;
  }

  async answer(request: Request): Promise<Response> {
    const answer = await this.#answer(request);
    log.info("Answered", { method: request.method, path: new URL(request.url).pathname, status: answer.status });
    return answer;
  }

  async #answer(request: Request): Promise<Response> {
    const { hostname } = this.#options;
    const { pathname, host } = new URL(request.url);
    // A page of another site in a browser on this host must not be able to start an upload.
    const isForeign = request.headers.get("sec-fetch-site") === "cross-site" ||
      ![host, request.headers.get("host") ?? host].every((name) => isOwnHost(name, hostname));
    if (isForeign) return refused(421, "Call it by an IP address, localhost, or the name that --host gives");
    const answers: Readonly<Record<string, () => Response | Promise<Response>>> = {
      "/health": () => json(200, { status: "ok" }),
      "/info": () => json(200, this.#info()),
      "/push-eventsdb": () => this.#push(),
    };
    const answer = Object.hasOwn(answers, pathname) ? answers[pathname] : undefined;
    if (!answer) return refused(404, "Not Found");
    return request.method === "GET" ? await answer() : refused(405, "Method Not Allowed");
  }

  #info(): object {
    const { debug, dryRun, workdir, platform, cluster, region, namespace, bucket } = this.#options;
    return { debug, dry_run: dryRun, workdir, platform, cluster, region, namespace, bucket };
  }

  async #push(): Promise<Response> {
    this.#pushing ??= this.#pushOnce().finally(() => this.#pushing = undefined);
    return (await this.#pushing).clone();
  }

  async #pushOnce(): Promise<Response> {
    try {
      return json(200, await this.#options.push());
    } catch (error) {
      log.error("Events database not uploaded", { error: describeError(error) });
      return refused(error instanceof NoEvents ? 404 : 500, describeError(error));
    }
  }
}

function refused(status: number, detail: string): Response {
  return json(status, { detail });
}

function json(status: number, body: object): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store", "x-content-type-options": "nosniff" } });
}
