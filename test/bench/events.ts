/** What it costs to record events, and to store them beside everything else. */
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../src/clock.ts";
import { EventRecorder } from "../../src/events/recorder.ts";
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
const SECONDS = 60;
/** Events in a batch: what one look at a few machines brings. */
const IN_BATCH = 10;
/** Requests of one machine each whose way is measured, one after the other. */
const REQUESTS = 30;

export async function benchEvents(
  binary: string,
  { kubeconfig, directory }: { kubeconfig: string; directory: string },
): Promise<void> {
  const root = `${directory}/events`;
  const confdir = `${directory}/events-conf`;
  writeConfiguration(confdir);
  const workdir = new Workdir(root, { files: systemFiles, random: systemRandom });
  await workdir.prepare();
  const recorder = eventRecorder({ workdir, clock: systemClock }, {});
  benchRecording(recorder);
  const serve = await startServe(binary, root, { kubeconfig, confdir, log: `${directory}/events.log` });
  try {
    await until(() => workdir.names(workdir.layout.events).length === 0);
    const up = () => timesUp(binary, { workdir, confdir });
    const quiet = await up();
    const [beganMs, cpuBefore] = [performance.now(), cpuMs(serve.pid)];
    const [busy] = await Promise.all([up(), spread(recorder)]);
    await until(() => workdir.names(workdir.layout.events).length === 0);
    const seconds = (performance.now() - beganMs) / 1000;
    const cpu = (cpuMs(serve.pid) - cpuBefore) / 1000;
    const { nowMb, peakMb } = memory(serve.pid);
    console.log(`${EVENTS} events in ${SECONDS} s, all stored after ${seconds.toFixed(1)} s, CPU ${cpu.toFixed(1)} s`);
    console.log(`  serve: ${Math.round(nowMb)} MiB, at most ${Math.round(peakMb)} MiB; rows: ${rows(workdir)}`);
    console.log(`  a machine until it runs: ${Math.round(quiet)} ms, meanwhile ${Math.round(busy)} ms`);
  } finally {
    serve.kill("SIGTERM");
    await serve.status;
  }
}

/** What a verb waits for: one batch with the events of so many machines. */
function benchRecording(recorder: EventRecorder): void {
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

/** Records all events, evenly over the time. */
async function spread(recorder: EventRecorder): Promise<void> {
  const batches = EVENTS / IN_BATCH;
  const beganMs = performance.now();
  for (let done = 0; done < batches;) {
    const due = Math.min(batches, Math.ceil(batches * (performance.now() - beganMs) / (SECONDS * 1000)));
    while (done < due) recorder.record(events(`load${done++}`, IN_BATCH - 1));
    await sleep(20);
  }
}

/** @returns how long, in milliseconds, it takes from the end of the verb until a machine runs: the median */
async function timesUp(
  binary: string,
  { workdir, confdir }: { workdir: Workdir; confdir: string },
): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < REQUESTS; i++) {
    const args = ["--workdir", workdir.layout.root, "--confdir", confdir, "request-machines"];
    const { stdout } = await measure(binary, args, '{"template":{"templateId":"T","machineCount":1}}');
    const { requestId } = JSON.parse(stdout) as { requestId: string };
    const beganMs = performance.now();
    await until(() => readState(workdir, `${requestId}-0`) === "running");
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
