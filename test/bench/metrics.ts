import { writeConfiguration } from "./fixture.ts";
import { cpuMs, measure, median, memory, sleep, startServe, starvedMs, until } from "./process.ts";

const SCRAPES = 20;

/** Until what was for the burst alone has been given back. */
const IDLE_MS = 30_000;

/**
 * What metrics cost `serve` with so many machines that run: the memory that it holds; and, unless the port is 0, how long a
 * page takes, and how long another question is not answered meanwhile, which is the longest for which the loops stand still.
 */
export async function benchMetrics(
  binary: string,
  { kubeconfig, directory, count, port }: { kubeconfig: string; directory: string; count: number; port: number },
): Promise<void> {
  const [workdir, confdir, log] = [`${directory}/metrics-${port}`, `${directory}/conf`, `${directory}/serve.log`];
  writeConfiguration(confdir);
  const args = ["--prometheus-port", String(port)];
  const serve = await startServe(binary, workdir, { kubeconfig, log, confdir, args });
  try {
    const template = JSON.stringify({ template: { templateId: "T", machineCount: count } });
    await measure(binary, ["--workdir", workdir, "--confdir", confdir, "request-machines"], template);
    await until(() => countRunning(workdir) === count);
    await sleep(IDLE_MS);
    if (port !== 0) await benchPages({ port, pid: serve.pid });
    await sleep(5_000);
    const { nowMb, peakMb } = memory(serve.pid);
    const beganMs = cpuMs(serve.pid);
    await sleep(IDLE_MS);
    const cpu = ((cpuMs(serve.pid) - beganMs) / (IDLE_MS / 1_000)).toFixed(1);
    const what = port === 0 ? "without metrics" : `with metrics, after ${2 * SCRAPES + 1} pages`;
    console.log(
      `${count} machines, ${what}: ${nowMb.toFixed(0)} MiB, ${peakMb.toFixed(0)} MiB at most, ${cpu} ms/s of CPU`,
    );
  } finally {
    serve.kill("SIGTERM");
    await serve.status;
    Deno.removeSync(workdir, { recursive: true });
  }
}

function countRunning(workdir: string): number {
  let running = 0;
  for (const { name } of Deno.readDirSync(`${workdir}/pods-status`)) {
    if (!name.startsWith(".") && Deno.readLinkSync(`${workdir}/pods-status/${name}`) === "running") running++;
  }
  return running;
}

async function benchPages(serve: Served): Promise<void> {
  const first = await scrape(serve, "gzip");
  console.log(
    `the first page: ${first.ms.toFixed(0)} ms, ${first.longestMs.toFixed(0)} ms at a time, ` +
      `and just before ${first.beforeMs.toFixed(0)} ms`,
  );
  for (const encoding of ["identity", "gzip"]) {
    const all = [];
    for (let n = 0; n < SCRAPES; n++) all.push(await scrape(serve, encoding));
    const ms = all.map((one) => one.ms);
    console.log(
      `${SCRAPES} pages (${encoding}, ${all[0]?.bytes} bytes): ${spread(ms)}; at a time ${
        spread(all.map((one) => one.longestMs))
      }, and just before ${spread(all.map((one) => one.beforeMs))}`,
    );
  }
}

function spread(values: number[]): string {
  return `${median(values).toFixed(0)} ms, at most ${Math.max(...values).toFixed(0)}`;
}

/** A `serve` that has metrics at a port. */
interface Served {
  port: number;
  pid: number;
}

/**
 * Takes a page by a process of its own, and asks something small again and again, meanwhile and for as long before. What counts
 * is for how long there was no answer, less the time in which other processes had the cores.
 */
async function scrape(
  { port, pid }: Served,
  encoding: string,
): Promise<{ ms: number; bytes: number; longestMs: number; beforeMs: number }> {
  let [longestMs, isDone] = [0, false];
  const starved = () => starvedMs(pid) + starvedMs(Deno.pid);
  const asking = (async () => {
    while (!isDone) {
      const [beganMs, before] = [performance.now(), starved()];
      await (await fetch(`http://127.0.0.1:${port}/livez`)).text();
      longestMs = Math.max(longestMs, performance.now() - beganMs - (starved() - before));
    }
  })();
  await sleep(100);
  longestMs = 0;
  await sleep(100);
  const beforeMs = longestMs;
  longestMs = 0;
  const url = `http://127.0.0.1:${port}/metrics`;
  const format = ["-w", "%{time_total} %{size_download}"];
  const { stdout } = await measure("curl", [
    "-s",
    "-o",
    "/dev/null",
    ...format,
    "-H",
    `accept-encoding: ${encoding}`,
    url,
  ]);
  isDone = true;
  await asking;
  const [seconds = 0, bytes = 0] = stdout.split(" ").map(Number);
  return { ms: 1_000 * seconds, bytes, longestMs, beforeMs };
}
