import type { Clock } from "../clock.ts";
import { absolute, type Config, type Environment } from "../config.ts";
import { describeError, ExitCode, HostFactoryError } from "../errors.ts";
import { HOOKS } from "../extensions/extension.ts";
import { type Files, ifThere } from "../files.ts";
import type { Monitor } from "../metrics/monitor.ts";
import { type TokenCheck, tokenCheck } from "../metrics/token.ts";
import type { OpenedPage } from "../page/open.ts";
import type { ExtensionRow } from "../page/messages.ts";
import type { Dependencies } from "../watchers/dependencies.ts";
import { eventSource } from "../workdir/events.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import { systemUsage } from "./stats_line.ts";

/** What tells others of a process: metrics, health, and the page. */
export interface OpenedHttp {
  monitor: Monitor;
  /** To be told which machines were written down. */
  changed: (machines: string[]) => void;
  end: () => Promise<void>;
}

/** How metrics, health and the page are served, as the command line says it. */
export interface HttpOptions {
  hostname: string;
  port: number;
  mostObjects: number;
  siteTtlSeconds: number;
  /** Files: the token that is wanted, certificate and key in PEM; and a socket. */
  tokenFile?: string | undefined;
  certFile?: string | undefined;
  keyFile?: string | undefined;
  socket?: string | undefined;
}

interface Options extends HttpOptions {
  stopping: AbortSignal;
  extensions: Pick<Dependencies, "registrations" | "hooks">;
  /** The events database; default: the work directory's. */
  dbfile: string | undefined;
}

/**
 * Opens them. What it takes is loaded only if it is wanted.
 * @throws HostFactoryError if the token, certificate or key cannot be read
 */
export async function openHttp(
  { workdir, clock, environment }: { workdir: Workdir; clock: Clock; environment: Environment },
  config: Config,
  { extensions, dbfile, tokenFile, certFile, keyFile, socket, ...options }: Options,
): Promise<OpenedHttp> {
  const { files } = workdir;
  const [metrics, pages] = await Promise.all([import("../metrics/open.ts"), import("../page/open.ts")]);
  let page: OpenedPage | undefined;
  const openPage = (monitor: Monitor) => {
    page = pages.openPage({
      config,
      workdir,
      files,
      clock,
      monitor,
      extensions: () => rowsOf(extensions),
      events: eventSource(config, { files, dbfile, lockWaitMs: 0 }),
    });
    return page.answer;
  };
  const { monitor, end } = metrics.openMonitoring({ environment, clock, usage: systemUsage }, {
    ...options,
    tls: tlsOf(files, { certFile, keyFile }),
    token: tokenFile === undefined ? undefined : tokenOf(files, absolute(tokenFile)),
    socket: socket === undefined ? undefined : freed(files, absolute(socket)),
    page: openPage,
  });
  return {
    monitor,
    changed: (machines) => page?.changed(machines),
    async end() {
      // An open stream would keep the server from its end.
      await page?.end();
      await end();
    },
  };
}

function rowsOf({ registrations, hooks: { leftAlone } }: Options["extensions"]): ExtensionRow[] {
  return registrations.registry.extensions.map(({ name, hooks }) => ({
    name,
    hooks: HOOKS.filter((kind) => hooks[kind] !== undefined),
    isLeftAlone: leftAlone.includes(name),
  }));
}

function tlsOf(
  files: Files,
  { certFile, keyFile }: Pick<HttpOptions, "certFile" | "keyFile">,
): { cert: string; key: string } | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    throw new HostFactoryError("TLS takes both --http-cert-file and --http-key-file", { exitCode: ExitCode.usage });
  }
  return { cert: secretText(files, absolute(certFile)), key: secretText(files, absolute(keyFile)) };
}

/** The token is read for each request, so that it can be replaced. */
function tokenOf(files: Files, path: string): TokenCheck {
  secretText(files, path);
  return tokenCheck(() => secretText(files, path));
}

function secretText(files: Files, path: string): string {
  let text: string;
  try {
    text = files.readText(path).trim();
  } catch (error) {
    throw new HostFactoryError(`Cannot read '${path}': ${describeError(error)}`, { cause: error });
  }
  if (text === "") throw new HostFactoryError(`There is nothing in '${path}'`);
  return text;
}

/** A socket that an earlier process has left behind would be in the way. */
function freed(files: Files, path: string): string {
  if (ifThere(() => files.info(path))?.kind === "other") files.remove(path);
  return path;
}
