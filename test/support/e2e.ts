/**
 * Registers tests of the compiled binary. Each has a host of its own (see `Site`), and those that need a cluster run on
 * every kind that there is: the simulator, and a real API server where HF_TEST_KUBECONFIG names one. What is
 * not there is skipped, and says so.
 *
 * Such tests mostly wait, so several of a file run at once; each still reports in its own place. HF_TEST_AT_ONCE is how many.
 */
import type { Cluster } from "./cluster.ts";
import { realCluster, simulatedCluster } from "./clusters.ts";
import { Site } from "./site.ts";

export type OnSite = (site: Site) => Promise<void>;
export type ClusterKind = "simulator" | "real";
export type OnCluster = (site: Site & { cluster: Cluster }, kind: ClusterKind) => Promise<void>;

const atOnce = Number(Deno.env.get("HF_TEST_AT_ONCE") ?? "4");

interface Job {
  run: () => Promise<void>;
  running?: Promise<void>;
}

/** All tests of this file, in order. */
const jobs: Job[] = [];

/** The test that last got its turn. */
let turn = -1;

/** A test that needs no cluster. @param options `lacks`: what this machine does not have that the test needs */
export function siteTest(name: string, body: OnSite, { lacks }: { lacks?: string | undefined } = {}): void {
  const ignore = Deno.env.get("HF_BINARY") === undefined || lacks !== undefined;
  register(lacks === undefined ? name : `${name} (SKIPPED: no ${lacks})`, { ignore }, () => onSite(undefined, body));
}

/** A test for every kind of cluster. @param options as of `siteTest`; `on`: the kinds, if the test is not for all of them */
export function clusterTest(
  name: string,
  body: OnCluster,
  { lacks, on = ["simulator", "real"] }: { lacks?: string | undefined; on?: readonly ClusterKind[] } = {},
): void {
  const noBinary = Deno.env.get("HF_BINARY") === undefined;
  const kinds = {
    simulator: { open: simulatedCluster, isThere: true },
    real: { open: realCluster, isThere: Boolean(Deno.env.get("HF_TEST_KUBECONFIG")) },
  };
  for (const kind of on) {
    const { open, isThere } = kinds[kind];
    const label = kind === "real" ? "real API server" : "simulator";
    const missing = noBinary ? "HF_BINARY" : isThere ? lacks : label;
    const ignore = missing !== undefined;
    register(`${name} (${ignore ? `SKIPPED: no ${missing}` : label})`, { ignore }, async () => {
      await using cluster = await open();
      await onSite(cluster.cluster, (site) => body(site as Site & { cluster: Cluster }, kind));
    });
  }
}

async function onSite(cluster: Cluster | undefined, body: OnSite): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "hostfactory-e2e-" });
  try {
    await using site = new Site(directory, cluster);
    try {
      await body(site);
    } catch (error) {
      const log = site.log.split("\n").slice(-60).join("\n");
      throw new Error(`${(error as Error).message}\nWhat was started has said:\n${log}`, { cause: error });
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function register(name: string, { ignore }: { ignore: boolean }, run: () => Promise<void>): void {
  if (ignore) return Deno.test({ name, ignore, fn: () => {} });
  const index = jobs.push({ run }) - 1;
  // What runs beside a test is not its own: leaks show at the end of the whole file, when processes are left.
  Deno.test({ name, sanitizeOps: false, sanitizeResources: false, fn: () => take(index) });
}

/** Gives a test its turn, and starts those that come next; not where some are filtered out or shuffled. */
async function take(index: number): Promise<void> {
  const inOrder = index === turn + 1;
  turn = index;
  for (const job of jobs.slice(index, inOrder ? index + atOnce : index + 1)) {
    if (job.running) continue;
    job.running = job.run();
    job.running.catch(() => {}); // It is told when it is that test's turn.
  }
  await jobs[index]?.running;
}
