/**
 * Whether anything grows in `serve` that should not: `deno task soak [--minutes N] [--machines N]` keeps the compiled binary
 * busy with machines that come and go, some of them lost, and measures it from outside. A real API server is taken from
 * HF_TEST_KUBECONFIG, else it is the simulator in the binary. Exit status 1 where anything is not flat or came out wrong.
 */
import { parseArgs } from "node:util";
import { realCluster, simulatedCluster } from "../support/clusters.ts";
import { eventually } from "../support/deadline.ts";
import { Running } from "../support/process.ts";
import { Site } from "../support/site.ts";
import { root } from "../support/tree.ts";
import { Churn, pause } from "./churn.ts";
import { cpuSeconds, fileCounts, processMeasures, statsOf } from "./measures.ts";
import { Quantities } from "./quantities.ts";

/** How often, in milliseconds, `serve` is measured, and how often its files are counted. */
const MEASURE_EVERY_MS = 5_000;
const COUNT_EVERY_MS = 30_000;

/**
 * What counts for nothing: a third of the run, but at least until as much is removed as comes, and at most until all code
 * that is ever compiled has been.
 */
const SHORTEST_WARM_UP_MS = 4 * 60_000;
const LONGEST_WARM_UP_MS = 20 * 60_000;

/** What goes wrong in the simulator all along; a pod whose image cannot be pulled is given up on after its timeout. */
const FAULTS = [
  { name: "evictions", periodMs: 1_000, share: 0.000_3 },
  { name: "preemption", periodMs: 1_000, share: 0.000_2, graceSeconds: 5 },
  { name: "image-pull-fails", share: 0.005 },
  { name: "failing", share: 0.01, verbs: ["create", "delete"] },
  { name: "lost-answers", share: 0.005 },
  { name: "dropped-watches", periodMs: 45_000 },
  { name: "expired-watches", share: 0.1 },
];
const POD_TIMEOUT_SECONDS = 60;

/** What has come to its end is kept for so short that as much goes as comes once the warm-up is over. */
const RETAINED = "60s";

const { values } = parseArgs({
  args: Deno.args,
  options: { minutes: { type: "string", default: "10" }, machines: { type: "string", default: "300" } },
});
const [minutes, machines] = [wholeNumber("minutes", 8, 10_000), wholeNumber("machines", 20, 1_000)];
if (!Deno.env.get("HF_BINARY")) Deno.env.set("HF_BINARY", `${root}dist/hostfactory`);

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => stopping.abort());
const directory = Deno.makeTempDirSync({ prefix: "hostfactory-soak-" });
let well = false;
try {
  well = await soak();
} catch (error) {
  console.error(error);
} finally {
  Deno.removeSync(directory, { recursive: true });
}
Deno.exit(well ? 0 : 1); // Where `serve` has ended, Symphony's part still waits for it.

/** @returns true where all is well */
async function soak(): Promise<boolean> {
  const real = Boolean(Deno.env.get("HF_TEST_KUBECONFIG"));
  await using open = real ? await realCluster() : await simulatedCluster();
  const { cluster } = open;
  if (!real) {
    for (const { name, ...fault } of FAULTS) await cluster.call("PUT", `/simulator/faults/${name}`, fault);
  }
  await using site = new Site(directory, cluster);
  const version = (await site.run(["--version"])).stdout.trim();
  console.log(`hostfactory ${version}, ${navigator.hardwareConcurrency} cores, ${new Date().toISOString()}`);
  console.log(`${minutes} minutes, ${machines} machines on ${real ? "a real API server" : "the simulator"}`);

  const log = { serve: `${directory}/serve.log`, idle: `${directory}/idle.log` };
  const limits = ["--pod-timeout", String(POD_TIMEOUT_SECONDS), "--retain-requests", RETAINED];
  const serve = site.start(["--log-file", log.serve, "serve", ...limits]);
  const idle = startIdle(log.idle);
  try {
    await eventually("a view of the cluster", () => site.entries("views").includes("pods.json"));
    const churn = new Churn(site, { machines });
    const timer = setTimeout(() => stopping.abort(), minutes * 60_000);
    const ended = churn.run(stopping.signal);
    const quantities = await measure(serve, { site, churn, log });
    clearTimeout(timer);
    await ended;
    for (const line of quantities.table()) console.log(line);
    return judge([
      ...churn.failures,
      ...quantities.growing().map((name) => `not flat: ${name}`),
      ...(await cluster.podNames()).map((name) => `left behind: pod ${name}`),
    ]);
  } finally {
    await idle.kill();
  }
}

/** Measures until the churn is to stop. */
async function measure(
  serve: Running,
  { site, churn, log }: { site: Site; churn: Churn; log: { serve: string; idle: string } },
): Promise<Quantities> {
  const startedMs = Date.now();
  const third = minutes * 60_000 / 3;
  const quantities = new Quantities({ warmUpMs: Math.min(LONGEST_WARM_UP_MS, Math.max(SHORTEST_WARM_UP_MS, third)) });
  let counted = { ms: 0, cpu: cpuSeconds(serve.pid) };
  while (!stopping.signal.aborted) {
    await pause(MEASURE_EVERY_MS, stopping.signal);
    if (!serve.isAlive) throw new Error(`serve has ended: ${serve.stderr}`);
    const ms = Date.now() - startedMs;
    quantities.note(ms, processMeasures(serve.pid));
    if (ms - counted.ms < COUNT_EVERY_MS) continue;
    const cpu = cpuSeconds(serve.pid);
    quantities.note(ms, { "CPU, % of a core": 100_000 * (cpu - counted.cpu) / (ms - counted.ms) });
    counted = { ms, cpu };
    quantities.note(ms, fileCounts(site.workdir));
    const { asked, up, taken } = churn.counts;
    console.log(
      `${Math.round(ms / 1000)} s: asked for ${asked}, up ${up}, taken away ${taken}; ${quantities.latest()}`,
    );
  }
  quantities.noteStats(statsOf(log.serve), { idle: statsOf(log.idle), startedMs });
  return quantities;
}

function startIdle(log: string): Running {
  return new Running({
    program: Deno.execPath(),
    args: ["run", "--allow-all", new URL("idle.ts", import.meta.url).pathname, log],
    environment: { HOME: Deno.env.get("HOME") ?? directory, DENO_TLS_CA_STORE: "mozilla,system" },
    directory: root,
  });
}

function judge(findings: string[]): boolean {
  for (const finding of findings) console.log(finding);
  console.log(findings.length === 0 ? "all flat" : `${findings.length} findings`);
  return findings.length === 0;
}

function wholeNumber(name: "minutes" | "machines", least: number, most: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  console.error(`--${name} must be a whole number from ${least} to ${most}`);
  Deno.exit(2);
}
