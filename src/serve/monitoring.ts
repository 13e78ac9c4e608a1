import type { Clock } from "../clock.ts";
import type { Config, Environment } from "../config.ts";
import { type Extension, HOOKS } from "../extensions/extension.ts";
import type { Monitor } from "../metrics/monitor.ts";
import type { MonitoringOptions } from "../metrics/open.ts";
import type { OpenedPage } from "../page/open.ts";
import type { ExtensionRow } from "../page/messages.ts";
import type { Dependencies } from "../watchers/dependencies.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import { systemUsage } from "./stats_line.ts";

/** What tells others of a process: metrics, health, and the page. */
export interface OpenedMonitoring {
  monitor: Monitor;
  /** To be told which machines were written down. */
  changed: (machines: string[]) => void;
  end: () => Promise<void>;
}

interface Options extends MonitoringOptions {
  stopping: AbortSignal;
  extensions: Pick<Dependencies, "registrations">;
  /** The events database; default: the work directory's. */
  dbfile: string | undefined;
}

/** Opens them. What it takes is loaded only where it is wanted. */
export async function openMonitoring(
  { workdir, clock, environment }: { workdir: Workdir; clock: Clock; environment: Environment },
  config: Config,
  { extensions, dbfile, ...options }: Options,
): Promise<OpenedMonitoring> {
  const [metrics, pages] = await Promise.all([import("../metrics/open.ts"), import("../page/open.ts")]);
  const { files, layout } = workdir;
  let page: OpenedPage | undefined;
  const openPage = (monitor: Monitor) => {
    page = pages.openPage({
      config,
      workdir,
      files,
      clock,
      monitor,
      extensions: () => extensions.registrations.registry.extensions.map(extensionRow),
      events: { files, dbfile: dbfile ?? layout.eventsDatabase, spool: layout.events, lockWaitMs: 0 },
    }, {});
    return page.answer;
  };
  const { monitor, end } = metrics.openMonitoring({ environment, clock, usage: systemUsage }, {
    ...options,
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

function extensionRow({ name, hooks }: Extension): ExtensionRow {
  return { name, hooks: HOOKS.filter((kind) => hooks[kind] !== undefined) };
}
