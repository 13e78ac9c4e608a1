import { writeConfiguration, writeFinishedRequests } from "./fixture.ts";
import { cpuMs, exists, measure, median, memory, sleep, startServe, until } from "./process.ts";

/** The same hundred thousand machines, in large requests and in requests of their own. */
const SHAPES = [{ requests: 1_000, machines: 100 }, { requests: 100_000, machines: 1 }];

const RUNS = 11;

/** Until everything has been looked at more than once. */
const IDLE_MS = 60_000;

/** What a work directory costs that holds 100,000 finished machines: `serve` at its start and idle, verbs for one machine. */
export async function benchFinished(
  binary: string,
  { kubeconfig, directory }: { kubeconfig: string; directory: string },
): Promise<void> {
  const [workdir, confdir, log] = [`${directory}/finished`, `${directory}/conf`, `${directory}/serve.log`];
  writeConfiguration(confdir);
  for (const shape of SHAPES) {
    await writeFinishedRequests(workdir, shape);
    console.log(`\n${shape.requests} finished requests of ${shape.machines} machine(s), and one that is alive`);
    await benchOne(binary, { kubeconfig, workdir, confdir, log });
    Deno.removeSync(workdir, { recursive: true });
  }
}

/** Starts twice: the first `serve` to see a directory has more to find out than the next. */
export async function benchOne(
  binary: string,
  { kubeconfig, workdir, confdir, log }: { kubeconfig: string; workdir: string; confdir: string; log: string },
): Promise<void> {
  for (const which of ["first", "next"]) {
    const startedMs = performance.now();
    const serve = await startServe(binary, workdir, { kubeconfig, log, args: ["--retain-machines", "1000000"] });
    try {
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(2);
      const startedCpuMs = cpuMs(serve.pid);
      console.log(`${which} serve: complete view after ${seconds} s, ${(startedCpuMs / 1000).toFixed(2)} s of CPU`);
      await sleep(IDLE_MS);
      const { nowMb, peakMb } = memory(serve.pid);
      const idleSeconds = ((cpuMs(serve.pid) - startedCpuMs) / 1000).toFixed(1);
      console.log(
        `${nowMb.toFixed(0)} MiB a minute later, ${
          peakMb.toFixed(0)
        } MiB at most, ${idleSeconds} s of CPU in that minute`,
      );
      if (which === "next") await benchVerbs(binary, { workdir, confdir });
    } finally {
      serve.kill("SIGTERM");
      await serve.status;
    }
  }
}

async function benchVerbs(binary: string, { workdir, confdir }: { workdir: string; confdir: string }): Promise<void> {
  const run = async (verb: string, input: unknown) => {
    const ran = await measure(binary, ["--workdir", workdir, "--confdir", confdir, verb], JSON.stringify(input));
    if (ran.code !== 0) throw new Error(`${verb} failed: ${ran.stdout}`);
    return ran;
  };
  const template = { template: { templateId: "T", machineCount: 1 } };
  const { requestId } = JSON.parse((await run("request-machines", template)).stdout);
  await until(() => exists(`${workdir}/pods/${requestId}-0`));
  const machines = { machines: [{ name: `${requestId}-0` }] };
  const status = (id: string) => ({ requests: [{ requestId: id }] });
  const cases: [verb: string, what: string, input: unknown][] = [
    ["get-available-templates", "", {}],
    ["request-machines", "", template],
    ["get-request-status", "alive", status(requestId)],
    ["get-request-status", "finished", status("f00000000000")],
    ["get-return-requests", "alive", machines],
    ["get-return-requests", "finished", { machines: [{ name: "f00000000000-0" }] }],
    ["get-return-requests", "{}", {}],
    ["request-return-machines", "", machines],
  ];
  for (const [verb, what, input] of cases) {
    const ms: number[] = [];
    for (let i = 0; i < RUNS; i++) ms.push((await run(verb, input)).ms);
    console.log(`${`${verb} ${what}`.padEnd(36)}${median(ms).toFixed(0).padStart(6)} ms`);
  }
}
