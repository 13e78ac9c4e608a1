import { loadConfig } from "../../src/config.ts";
import { seededRandom } from "../../src/random.ts";
import type { Provider } from "../../src/verbs/provider.ts";
import { noteHolder } from "../../src/workdir/store/lock_holder.ts";
import { writeSyncStatus } from "../../src/workdir/index/sync_status.ts";
import { Workdir } from "../../src/workdir/store/workdir.ts";
import { MemoryFiles } from "./memory_files.ts";
import { SimulatedClock } from "./simulated_clock.ts";

export const manifest = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { labels: {} },
  spec: { containers: [{ name: "c", image: "i" }] },
};

/** A template as the file lists it; without a limit, its manifest the one that is there. */
export function template(templateId: string, maxNumber: unknown = -1): object {
  const attributes = { type: ["String", "X86_64"], ncpus: ["Numeric", "1"], nram: ["Numeric", "1024"] };
  return { templateId, maxNumber, attributes, podSpec: "pod.json" };
}

/** What the verbs and watchers stand on, all of it in memory: `/work`, prepared, and `/conf` with the template `T`. */
export interface MemoryProvider extends Provider {
  files: MemoryFiles;
  clock: SimulatedClock;
}

export function memoryProvider(
  options: { files?: MemoryFiles; requestId?: string; clock?: SimulatedClock; seed?: number } = {},
): MemoryProvider {
  const clock = options.clock ?? new SimulatedClock();
  const files = options.files ?? furnished(new MemoryFiles({ now: () => clock.now() }));
  const random = seededRandom(options.seed ?? 1);
  const workdir = new Workdir("/work", { files, random });
  void workdir.prepare(); // Files in memory sync at once: all of it is done by now.
  for (const watcher of ["request-machines", "request-return-machines", "pods"]) served(workdir, watcher);
  const given = options.requestId === undefined ? {} : { requestId: options.requestId };
  const config = loadConfig({ workdir: "/work", confdir: "/conf", ...given }, {});
  const provider = { files, clock, random, workdir, config, warn: () => {} };
  return provider;
}

/** The work directory knows every pod that exists, as of now. */
export function listed({ workdir, clock }: Pick<MemoryProvider, "workdir" | "clock">): void {
  const now = Math.floor(clock.now() / 1000);
  writeSyncStatus(workdir, "pods", { completeAt: now, heardAt: now });
}

function isEmpty(workdir: Workdir, watcher: string): boolean {
  return workdir.files.info(workdir.layout.lockHolder(watcher)).size === 0;
}

/** One of the watchers is there for as long as any test runs. */
function served(workdir: Workdir, watcher: string): void {
  // A power failure may have left its name alone.
  if (workdir.kind(workdir.layout.lockHolder(watcher)) !== undefined && !isEmpty(workdir, watcher)) return;
  const seenAt = "2100-01-01T00:00:00.000Z";
  noteHolder(workdir, watcher, { host: "elsewhere", pid: 1, command: "hostfactory serve", since: seenAt, seenAt });
}

function furnished(files: MemoryFiles): MemoryFiles {
  files.makeDirectory("/work");
  files.makeDirectory("/conf");
  files.writeText("/conf/k8sprov_templates.json", JSON.stringify({ templates: [template("T")] }));
  files.writeText("/conf/pod.json", JSON.stringify(manifest));
  for (const path of ["/conf/pod.json", "/conf/k8sprov_templates.json", "/conf", "/work", "/"]) {
    files.beginSync(path)();
  }
  return files;
}
