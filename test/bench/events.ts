/** What it costs to record events, and to store them beside everything else. */
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../src/clock.ts";
import type { NewEvent } from "../../src/events/types.ts";
import { systemFiles } from "../../src/files.ts";
import { systemRandom } from "../../src/random.ts";
import { eventRecorder } from "../../src/workdir/events.ts";
import { readState } from "../../src/workdir/machines.ts";
import { Workdir } from "../../src/workdir/store/workdir.ts";
import { writeConfiguration } from "./fixture.ts";
import { cpuMs, measure, median, memory, sleep, startServe, until } from "./process.ts";

/** What a grid of 10,000 machines may do at its worst, each minute. */
const EVENTS = 100_000;
const MINUTE_MS = 60_000;
/** Events in a batch: what one look at a few machines brings. */
const IN_BATCH = 10;

/** How often `serve` is measured with the events loop, and without it, in turn; and by how many machines each time. */
const ROUNDS = 6;
const MACHINES = 40;

/** Pods run at once, so that what is measured is `serve` and not the cluster. */
export const QUICK_STAGES = {
  stages: [
    { name: "schedule", match: { phase: ["Pending"], scheduled: false, deleting: false }, next: { schedule: true } },
    {
      name: "ready",
      match: { phase: ["Pending"], scheduled: true, deleting: false },
      next: { phase: "Running", running: true, ready: true },
    },
  ],
};

/** Where `serve` is measured. */
interface Place {
  binary: string;
  kubeconfig: string;
  directory: string;
  confdir: string;
}

/** @param options `kubeconfig`: of a simulator with `QUICK_STAGES` */
export async function benchEvents(binary: string, options: Omit<Place, "binary" | "confdir">): Promise<void> {
  const { directory } = options;
  const place = { binary, ...options, confdir: `${directory}/events-conf` };
  writeConfiguration(place.confdir);
  await benchRecording(await emptyWorkdir(`${directory}/recorded`));
  await benchStoring(place);
  await benchLatency(place);
}

async function emptyWorkdir(root: string): Promise<Workdir> {
  const workdir = new Workdir(root, { files: systemFiles, random: systemRandom });
  await workdir.prepare();
  return workdir;
}

/** What a verb waits for: one batch with the events of so many machines. */
function benchRecording(workdir: Workdir): void {
  const recorder = eventRecorder({ workdir, clock: systemClock }, {});
  for (const machines of [1, 1_000, 10_000]) {
    const times = Array.from({ length: machines < 10_000 ? 200 : 10 }, (_, round) => {
      const batch = events(`bench${round}`, machines);
      const beganMs = performance.now();
      recorder.record(batch);
      return performance.now() - beganMs;
    });
    console.log(`recording a request for ${machines} machine(s): ${median(times).toFixed(2)} ms`);
  }
}

/** A minute's events: when all are stored, and what `serve` takes for it. */
async function benchStoring(place: Place): Promise<void> {
  const workdir = await emptyWorkdir(`${place.directory}/stored`);
  await withServe(place, { workdir }, async (pid) => {
    const [beganMs, cpuBefore] = [performance.now(), cpuMs(pid)];
    await spread(workdir, (ms) => ms < MINUTE_MS);
    await until(() => workdir.names(workdir.layout.events).length === 0);
    const seconds = (performance.now() - beganMs) / 1000;
    const cpu = (cpuMs(pid) - cpuBefore) / 1000;
    const { nowMb, peakMb } = memory(pid);
    console.log(`${EVENTS} events in a minute, all stored after ${seconds.toFixed(1)} s, CPU ${cpu.toFixed(1)} s`);
    console.log(`  serve: ${Math.round(nowMb)} MiB, at most ${Math.round(peakMb)} MiB; rows: ${rows(workdir)}`);
  });
}

/**
 * How long machines take while so many events come, with the events loop and without it: where the database cannot be
 * used, the loop looks at it every 15 seconds, and leaves the batches to wait.
 */
async function benchLatency(place: Place): Promise<void> {
  const [stored, waiting]: Latency[][] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    stored?.push(await latency(place, `stored-${round}`));
    waiting?.push(await latency(place, `waiting-${round}`, ["--dbfile", place.directory]));
  }
  const middle = (of: Latency[] | undefined, key: keyof Latency) => median((of ?? []).map((one) => one[key]));
  for (const [key, unit] of [["ms", "ms until a machine runs"], ["cpuMs", "ms of CPU a second"]] as const) {
    const [withIt, without] = [middle(stored, key), middle(waiting, key)];
    const ratios = (stored ?? []).map((one, round) => one[key] / (waiting?.[round]?.[key] ?? NaN));
    console.log(
      `${unit}: ${withIt.toFixed(1)}, without the events loop ${without.toFixed(1)}; ratio ${
        (withIt / without).toFixed(3)
      }, of rounds ${median(ratios).toFixed(3)} (${Math.min(...ratios).toFixed(2)} to ${
        Math.max(...ratios).toFixed(2)
      })`,
    );
  }
}

/** Medians of one round. */
interface Latency {
  /** From the end of the verb until the machine runs. */
  ms: number;
  /** What `serve` takes of a core, in a second. */
  cpuMs: number;
}

async function latency(place: Place, name: string, args: string[] = []): Promise<Latency> {
  const workdir = await emptyWorkdir(`${place.directory}/${name}`);
  // The machines of earlier rounds are none of this one's.
  Deno.env.set("HF_K8S_INSTANCE", name);
  const measured: Latency = { ms: NaN, cpuMs: NaN };
  await withServe(place, { workdir, args }, async (pid) => {
    let isMeasured = false;
    const spreading = spread(workdir, () => !isMeasured);
    await timesUp(place, { workdir, machines: 5 });
    const [beganMs, cpuBefore] = [performance.now(), cpuMs(pid)];
    measured.ms = await timesUp(place, { workdir, machines: MACHINES });
    measured.cpuMs = (cpuMs(pid) - cpuBefore) / ((performance.now() - beganMs) / 1000);
    isMeasured = true;
    await spreading;
  });
  Deno.removeSync(workdir.layout.root, { recursive: true });
  return measured;
}

async function withServe(
  { binary, kubeconfig, directory, confdir }: Place,
  { workdir, args = [] }: { workdir: Workdir; args?: string[] },
  act: (pid: number) => Promise<void>,
): Promise<void> {
  const log = `${directory}/events.log`;
  const serve = await startServe(binary, workdir.layout.root, { kubeconfig, confdir, log, args });
  try {
    await act(serve.pid);
  } finally {
    serve.kill("SIGTERM");
    await serve.status;
  }
}

/** Records events, evenly over the time, for as long as `goesOn` says. */
async function spread(workdir: Workdir, goesOn: (ms: number) => boolean): Promise<void> {
  const recorder = eventRecorder({ workdir, clock: systemClock }, {});
  const beganMs = performance.now();
  for (let done = 0, ms = 0; goesOn(ms); ms = performance.now() - beganMs) {
    const due = (EVENTS / IN_BATCH) * (ms / MINUTE_MS);
    while (done < due) recorder.record(events(`load${done++}`, IN_BATCH - 1));
    await sleep(20);
  }
}

/** @returns the median: see `Latency` */
async function timesUp(
  { binary, confdir }: Place,
  { workdir, machines }: { workdir: Workdir; machines: number },
): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < machines; i++) {
    const args = ["--workdir", workdir.layout.root, "--confdir", confdir, "request-machines"];
    const { stdout } = await measure(binary, args, '{"template":{"templateId":"T","machineCount":1}}');
    const { requestId } = JSON.parse(stdout) as { requestId: string };
    const beganMs = performance.now();
    while (readState(workdir, `${requestId}-0`) !== "running") await sleep(1);
    times.push(performance.now() - beganMs);
  }
  return median(times);
}

function events(id: string, machines: number): NewEvent[] {
  const pairs = { status: "requested", request_id: id, template_id: "T" } as const;
  return [
    { category: "request", id, pairs: { count: machines, template_id: "T" } },
    ...Array.from({ length: machines }, (_, index): NewEvent => ({ category: "pod", id: `${id}-${index}`, pairs })),
  ];
}

function rows(workdir: Workdir): number {
  using database = new DatabaseSync(workdir.layout.eventsDatabase, { readOnly: true });
  return Number(Object.values(database.prepare("SELECT count(*) FROM events").get() ?? {})[0]);
}
