import type { Page } from "playwright-core";
import { startBrowser } from "../support/chromium.ts";
import { writeConfiguration, writeRunningRequest } from "./fixture.ts";
import { cpuMs, measure, median, memory, sleep, startServe, until } from "./process.ts";

const PORT = 18_091;
const URL_OF_PAGE = `http://127.0.0.1:${PORT}/`;

/** Frames that are looked at: two seconds' worth. */
const FRAMES = 120;

interface Setting {
  kubeconfig: string;
  directory: string;
}

/** Requests that the machines of the picture are of. */
const REQUESTS = 10;

/**
 * How long the live page takes to show 10,000 machines, and what it takes of the browser's main thread. They are written
 * as `serve` leaves them, of a cluster that does not answer.
 */
export async function benchPage(
  binary: string,
  { directory }: Pick<Setting, "directory">,
  count = 10_000,
): Promise<void> {
  const workdir = `${directory}/page-of-many`;
  const ids = Array.from({ length: REQUESTS }, (_, i) => `many${i}`);
  for (const id of ids) await writeRunningRequest(workdir, id, count / REQUESTS);
  const serve = startStandby(binary, { workdir, directory });
  const browser = await startBrowser();
  try {
    await until(() => isListening());
    const page = await browser.newPage();
    const firstMs = await opened(page, count);
    await eventually(page, "[...hostfactory.model.machines.values()].every(({ node }) => node !== '')");
    const laterMs = [await opened(page, count), await opened(page, count), await opened(page, count)];
    console.log(
      `\n${count} machines on the screen: ${firstMs.toFixed(0)} ms for the first page, ${
        median(laterMs).toFixed(0)
      } ms for those after it`,
    );
    console.log(`frames while the cells are scrolled: ${await frames(page)}`);
    await page.evaluate("hostfactory.updates.length = 0");
    for (const name of Array.from({ length: 500 }, (_, i) => `many3-${i}`)) {
      Deno.removeSync(`${workdir}/pods-status/${name}`);
      Deno.symlinkSync("unknown", `${workdir}/pods-status/${name}`);
    }
    await eventually(page, "hostfactory.model.counts().unknown === 500");
    await sleep(200);
    const updates = await page.evaluate("hostfactory.updates") as number[];
    console.log(
      `updates while 500 change: ${median(updates).toFixed(1)} ms of the main thread, at most ${
        Math.max(...updates).toFixed(1)
      } ms`,
    );
    const { nowMb, peakMb } = memory(serve.pid);
    console.log(`serve with it: ${nowMb.toFixed(0)} MiB, at most ${peakMb.toFixed(0)} MiB`);
  } finally {
    await browser.close();
    serve.kill("SIGTERM");
    await serve.status;
  }
}

/** A `serve` that never gets at its cluster. */
function startStandby(
  binary: string,
  { workdir, directory }: { workdir: string; directory: string },
): Deno.ChildProcess {
  const kubeconfig = `${directory}/nowhere`;
  const context = { name: "x", context: { cluster: "x", user: "x" } };
  const cluster = { name: "x", cluster: { server: "http://127.0.0.1:9" } };
  Deno.writeTextFileSync(
    kubeconfig,
    JSON.stringify({
      "current-context": "x",
      contexts: [context],
      clusters: [cluster],
      users: [{ name: "x", user: { token: "x" } }],
    }),
  );
  const args = ["--workdir", workdir, "--log-file", `${directory}/serve.log`, "serve", "--kubeconfig", kubeconfig];
  return new Deno.Command(binary, {
    args: [...args, "--prometheus-port", String(PORT)],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

function isListening(): boolean {
  return new Deno.Command("curl", { args: ["-sf", `${URL_OF_PAGE}livez`], stdout: "null" }).outputSync().success;
}

/** How long, in milliseconds, it takes until all are drawn, from the moment the page is asked for. */
async function opened(page: Page, count: number): Promise<number> {
  await page.goto("about:blank");
  const startedMs = performance.now();
  await page.goto(URL_OF_PAGE);
  await eventually(page, `hostfactory.model.machines.size === ${count} && hostfactory.cells.drawMs > 0`);
  return performance.now() - startedMs;
}

/** What ten open pages cost `serve` during a burst: CPU and time, beside the same burst without. */
export async function benchReaders(
  binary: string,
  setting: Setting,
  { count, rounds }: { count: number; rounds: number },
) {
  const without: Burst[] = [];
  const withPages: Burst[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [readers, bursts] of [[0, without], [10, withPages]] as const) {
      await withServe(binary, setting, async (serve) => void bursts.push(await burst(serve, { readers, count })));
    }
  }
  const medians = (key: keyof Burst) => [without, withPages].map((all) => median(all.map((one) => one[key])));
  for (const [what, key] of [["time, s", "ms"], ["CPU of serve, s", "cpuMs"]] as const) {
    const [before = NaN, after = NaN] = medians(key);
    console.log(
      `${count} machines up and gone, ${what}: ${(before / 1000).toFixed(2)} without pages, ${
        (after / 1000).toFixed(2)
      } with ten, ratio ${(after / before).toFixed(3)}`,
    );
  }
}

interface Burst {
  ms: number;
  cpuMs: number;
}

async function burst(
  { verb, pid, workdir }: Served,
  { readers, count }: { readers: number; count: number },
): Promise<Burst> {
  const end = new AbortController();
  const reading = Array.from({ length: readers }, () => readStream(end.signal));
  await sleep(1_500);
  const [startedMs, cpuBeforeMs] = [performance.now(), cpuMs(pid)];
  const { requestId } = await verb("request-machines", { template: { templateId: "T", machineCount: count } });
  const names = Array.from({ length: count }, (_, index) => `${requestId}-${index}`);
  await allAre(workdir, names, "running");
  await verb("request-return-machines", { machines: names.map((name) => ({ name })) });
  await allAre(workdir, names, "deleted");
  const measured = { ms: performance.now() - startedMs, cpuMs: cpuMs(pid) - cpuBeforeMs };
  end.abort();
  await Promise.allSettled(reading);
  return measured;
}

async function allAre(workdir: string, names: string[], state: string): Promise<void> {
  const left = [...names];
  await until(() => {
    while (left.length > 0 && stateOf(`${workdir}/pods-status/${left.at(-1)}`) === state) left.pop();
    return left.length === 0;
  });
}

function stateOf(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}

async function readStream(signal: AbortSignal): Promise<void> {
  const response = await fetch(`${URL_OF_PAGE}page/stream`, { signal });
  for await (const _chunk of response.body!);
}

interface Served {
  verb: (name: string, input: unknown) => Promise<{ requestId: string }>;
  pid: number;
  workdir: string;
}

async function withServe(
  binary: string,
  { kubeconfig, directory }: Setting,
  act: (served: Served) => Promise<void>,
): Promise<void> {
  const workdir = Deno.makeTempDirSync({ dir: directory, prefix: "page-" });
  const confdir = `${directory}/conf`;
  writeConfiguration(confdir);
  const serve = await startServe(binary, workdir, {
    kubeconfig,
    confdir,
    log: `${directory}/serve.log`,
    args: ["--prometheus-port", String(PORT)],
  });
  try {
    await act({
      pid: serve.pid,
      workdir,
      async verb(name, input) {
        const run = await measure(binary, ["--workdir", workdir, "--confdir", confdir, name], JSON.stringify(input));
        if (run.code !== 0) throw new Error(`${name} failed: ${run.stdout}`);
        return JSON.parse(run.stdout);
      },
    });
  } finally {
    serve.kill("SIGTERM");
    await serve.status;
  }
}

async function eventually(page: Page, condition: string): Promise<void> {
  const deadlineMs = performance.now() + 300_000;
  // The page's own policy lets no text be run as a program but by the debugger.
  while (!await page.evaluate(`Boolean(${condition})`)) {
    if (performance.now() > deadlineMs) throw new Error(`It never came to pass that ${condition}`);
    await sleep(5);
  }
}

/** Scrolls through the cells, a step a frame. */
async function frames(page: Page): Promise<string> {
  const { deltas, draws } = await page.evaluate(`new Promise((resolve) => {
    const scroller = document.getElementById("cells");
    const [deltas, draws] = [[], []];
    let before;
    const step = (now) => {
      if (before !== undefined) deltas.push(now - before);
      before = now;
      scroller.scrollTop = (scroller.scrollTop + 7) % (scroller.scrollHeight - scroller.clientHeight || 1);
      const beganMs = performance.now();
      hostfactory.cells.drawNow();
      draws.push(performance.now() - beganMs);
      if (deltas.length < ${FRAMES}) requestAnimationFrame(step);
      else resolve({ deltas, draws });
    };
    requestAnimationFrame(step);
  })`) as { deltas: number[]; draws: number[] };
  const at = (values: number[], share: number) =>
    values.sort((a, b) => a - b)[Math.floor(share * (values.length - 1))]!;
  return `half within ${at(deltas, 0.5).toFixed(1)} ms, 95 % within ${at(deltas, 0.95).toFixed(1)} ms; a drawing ${
    at(draws, 0.5).toFixed(1)
  } ms, 95 % within ${at(draws, 0.95).toFixed(1)} ms`;
}
