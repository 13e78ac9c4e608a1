/**
 * The figures that the project holds itself to, for the compiled binary on this machine: `deno task bench [verbs|machines|extensions|metrics|finished|history|page|events|asking]`.
 * A real API server is taken from HF_TEST_KUBECONFIG, else from `../shared/cluster` if that is there.
 */
import { chromium } from "../support/chromium.ts";
import { benchAsking } from "./asking.ts";
import { benchEvents, QUICK_STAGES } from "./events.ts";
import { benchExtensions } from "./extensions.ts";
import { benchFinished } from "./finished.ts";
import { benchHistory } from "./history.ts";
import { benchMachines } from "./machines.ts";
import { benchMetrics } from "./metrics.ts";
import { benchPage, benchReaders } from "./page.ts";
import { exists } from "./process.ts";
import { benchVerbs } from "./verbs.ts";

const root = new URL("../../", import.meta.url).pathname;
const binary = Deno.env.get("HF_BINARY") ?? `${root}dist/hostfactory`;
const what = Deno.args[0] ?? "all";
const directory = Deno.makeTempDirSync({ prefix: "hostfactory-bench-" });
try {
  console.log(`${navigator.hardwareConcurrency} cores, ${Deno.build.target}, Deno ${Deno.version.deno}`);
  // The verbs come last: what they leave behind slows down others on some file systems.
  if (what === "all" || what === "machines") await benchClusters();
  if (what === "all" || what === "extensions") {
    await onSimulator((kubeconfig) => benchExtensions(binary, { kubeconfig, directory, count: 1_000, rounds: 3 }));
  }
  if (what === "all" || what === "events") {
    await onSimulator((kubeconfig) => benchEvents(binary, { kubeconfig, directory }), { stages: QUICK_STAGES });
  }
  if (what === "all" || what === "page") {
    await onSimulator((kubeconfig) => benchReaders(binary, { kubeconfig, directory }, { count: 1_000, rounds: 3 }));
    if (chromium) await benchPage(binary, { directory });
    else console.log("SKIPPED: no Chromium");
  }
  if (what === "all" || what === "asking") {
    await benchAsking({ binary, hello: `${root}dist/hello`, directory }, { count: 10_000, rounds: 9 });
  }
  if (what === "all" || what === "history") await benchHistory(binary, { directory });
  for (const port of what === "all" || what === "metrics" ? [0, 18_080] : []) {
    await onSimulator((kubeconfig) => benchMetrics(binary, { kubeconfig, directory, count: 10_000, port }));
  }
  if (what === "all" || what === "verbs") await benchVerbs({ binary, hello: `${root}dist/hello`, directory });
  if (what === "all" || what === "finished") {
    await onSimulator((kubeconfig) => benchFinished(binary, { kubeconfig, directory }));
  }
} finally {
  Deno.removeSync(directory, { recursive: true });
}

async function benchClusters(): Promise<void> {
  const kubeconfig = Deno.env.get("HF_TEST_KUBECONFIG");
  const kit = `${root}../shared/cluster/cluster`;
  if (kubeconfig) await bench("real API server", kubeconfig);
  else if (exists(kit)) await benchKit(kit);
  else console.log("SKIPPED: no real API server; set HF_TEST_KUBECONFIG");
  await onSimulator((kubeconfig) => bench("simulator", kubeconfig));
  // Nothing may cost more for each the more there are.
  await onSimulator((kubeconfig) => bench("simulator", kubeconfig, { count: 10_000, rounds: 1 }));
}

async function bench(
  name: string,
  kubeconfig: string,
  { count, rounds }: { count: number; rounds: number } = { count: 1_000, rounds: 3 },
): Promise<void> {
  await benchMachines(binary, { name, kubeconfig, directory, count, rounds });
}

async function benchKit(kit: string): Promise<void> {
  const cluster = (...args: string[]) =>
    new Deno.Command(kit, { args: [...args, "--dir", `${directory}/cluster`], stdout: "null" }).output();
  try {
    await cluster("up", "--nodes", "200");
    await bench("real API server", `${directory}/cluster/kubeconfig`);
  } finally {
    await cluster("down");
  }
}

/** On a simulator of its own. @param options `stages`: what becomes of pods, unless it is the usual */
async function onSimulator(
  measure: (kubeconfig: string) => Promise<void>,
  { stages }: { stages?: object } = {},
): Promise<void> {
  const kubeconfig = `${directory}/simulator`;
  const args = ["simulate", "--seed", "1", "--nodes", "200", "--kubeconfig", kubeconfig];
  if (stages) {
    Deno.writeTextFileSync(`${directory}/stages.json`, JSON.stringify(stages));
    args.push("--stages", `${directory}/stages.json`);
  }
  const simulator = new Deno.Command(binary, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  try {
    while (!exists(kubeconfig)) await new Promise((resolve) => setTimeout(resolve, 20));
    await measure(kubeconfig);
  } finally {
    simulator.kill("SIGTERM");
    await simulator.status;
    Deno.removeSync(kubeconfig);
  }
}
