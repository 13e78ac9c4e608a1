import { writeConfiguration } from "./fixture.ts";
import { cpuMs, exists, measure, median, memory, sleep, startServe, until } from "./process.ts";

/** Milliseconds from the verb on: those that passed, and those that one process kept the CPU busy. */
interface Times {
  createdMs: number;
  createdCpuMs: number;
  runningMs: number;
  runningCpuMs: number;
  goneMs: number;
  goneCpuMs: number;
}

const PHASES = {
  created: ["createdMs", "createdCpuMs"],
  "all running": ["runningMs", "runningCpuMs"],
  "returned and gone": ["goneMs", "goneCpuMs"],
} as const;

/** For how long the machines are left alone while they run, in milliseconds: memory is given back every ten seconds. */
const IDLE_MS = 11_000;

/** For how long, in milliseconds, what an idle `serve` costs is measured. */
const MEASURED_IDLE_MS = 60_000;

/**
 * How long `serve` takes from a verb to running and to gone, beside a bare loop of POSTs and DELETEs on the same cluster
 * and client-node's informer with one create a machine, in the same run. Each is measured `rounds` times in turn; printed are medians.
 */
export async function benchMachines(
  binary: string,
  options: { name: string; kubeconfig: string; directory: string; count: number; rounds: number },
): Promise<void> {
  const { name, kubeconfig, directory, count, rounds } = options;
  const workdirs = `${directory}/work-${name.replaceAll(" ", "-")}-${count}`;
  writeConfiguration(`${directory}/conf`);
  const bare: Times[] = [];
  const clientNode: Times[] = [];
  const ours: Times[] = [];
  let idle = { nowMb: 0, peakMb: 0, cpuMs: NaN };
  for (let round = 0; round < rounds; round++) {
    bare.push(await loop("bare_loop.ts", { kubeconfig, count }));
    clientNode.push(await loop("client_node_loop.ts", { kubeconfig, count }));
    const workdir = `${workdirs}-${round}`;
    const serve = await startServe(binary, workdir, { kubeconfig, log: `${directory}/serve.log` });
    try {
      ours.push(
        await throughTheVerbs(binary, { workdir, confdir: `${directory}/conf`, count, pid: serve.pid }, async () => {
          await sleep(IDLE_MS);
          const { nowMb, peakMb } = memory(serve.pid);
          if (round > 0) return;
          const beforeMs = cpuMs(serve.pid);
          await sleep(MEASURED_IDLE_MS);
          idle = { nowMb, peakMb, cpuMs: cpuMs(serve.pid) - beforeMs };
        }),
      );
    } finally {
      serve.kill("SIGTERM");
      await serve.status;
    }
  }
  print({ name, count, rounds }, { bare, ours, clientNode });
  console.log(
    `serve with ${count} machines known: ${idle.nowMb.toFixed(0)} MiB idle, ${idle.peakMb.toFixed(0)} MiB at most, ` +
      `${(idle.cpuMs / MEASURED_IDLE_MS * 60).toFixed(2)} s of CPU a minute`,
  );
}

function print(
  { name, count, rounds }: { name: string; count: number; rounds: number },
  { bare, ours, clientNode }: { bare: Times[]; ours: Times[]; clientNode: Times[] },
): void {
  console.log(
    `\n${name}: ${count} machines, 32 in flight, ${rounds} rounds   bare loop s (CPU s)   hostfactory s (CPU s)   ratios   client-node s (CPU s)`,
  );
  const medians = (key: keyof Times) =>
    [bare, ours, clientNode].map((all) => median(all.map((times) => times[key])) / 1000);
  for (const [phase, keys] of Object.entries(PHASES)) {
    const [[a = NaN, b = NaN, c = NaN], [aCpu = NaN, bCpu = NaN, cCpu = NaN]] = [medians(keys[0]), medians(keys[1])];
    const times = (seconds: number, cpu: number) => `${seconds.toFixed(2)} (${cpu.toFixed(2)})`.padStart(24);
    console.log(
      `${phase.padEnd(32)}${times(a, aCpu)}${times(b, bCpu)}${ratio(b, a)}${ratio(bCpu, aCpu)}${times(c, cCpu)}`,
    );
  }
  const perMachine = (all: Times[]) =>
    median(all.map(({ runningCpuMs, goneCpuMs }) => (runningCpuMs + goneCpuMs) / count));
  const [bareMs, oursMs] = [perMachine(bare), perMachine(ours)];
  console.log(
    `CPU ms of a machine's whole life: bare loop ${bareMs.toFixed(2)}, serve ${oursMs.toFixed(2)},${
      ratio(oursMs, bareMs)
    }`,
  );
  const rate = (all: Times[]) => (count / median(all.map(({ createdMs }) => createdMs)) * 1000).toFixed(0);
  console.log(
    `creates per second: bare loop ${rate(bare)}, hostfactory ${rate(ours)}, client-node ${rate(clientNode)}`,
  );
}

function ratio(ours: number, bare: number): string {
  return (ours / bare).toFixed(2).padStart(8);
}

/** Runs a loop that needs no product, in a process of its own. */
async function loop(file: string, { kubeconfig, count }: { kubeconfig: string; count: number }): Promise<Times> {
  const script = new URL(file, import.meta.url).pathname;
  const { code, stdout } = await measure(Deno.execPath(), ["run", "-A", script, kubeconfig, String(count), "32"]);
  if (code !== 0) throw new Error(`${file} failed: ${stdout}`);
  return JSON.parse(stdout);
}

async function throughTheVerbs(
  binary: string,
  { workdir, confdir, count, pid }: { workdir: string; confdir: string; count: number; pid: number },
  whileRunning: () => Promise<void>,
): Promise<Times> {
  const verb = async (name: string, input: unknown) => {
    const run = await measure(binary, ["--workdir", workdir, "--confdir", confdir, name], JSON.stringify(input));
    if (run.code !== 0) throw new Error(`${name} failed: ${run.stdout}`);
    return JSON.parse(run.stdout);
  };
  const startedMs = performance.now();
  const elapsed = () => performance.now() - startedMs;
  const cpuAtStartMs = cpuMs(pid);
  const cpu = () => cpuMs(pid) - cpuAtStartMs;
  const { requestId } = await verb("request-machines", { template: { templateId: "T", machineCount: count } });
  const machines = Array.from({ length: count }, (_, i) => `${requestId}-${i}`);
  await until(() => exists(`${workdir}/requests/${requestId}/.processed`));
  const [createdMs, createdCpuMs] = [elapsed(), cpu()];
  await allHave(workdir, machines, "running");
  const [runningMs, runningCpuMs] = [elapsed(), cpu()];
  await whileRunning();
  const [returnedMs, returnedCpuMs] = [elapsed(), cpu()];
  await verb("request-return-machines", { machines: machines.map((name) => ({ name })) });
  await allHave(workdir, machines, "deleted");
  const [goneMs, goneCpuMs] = [elapsed() - returnedMs, cpu() - returnedCpuMs];
  return { createdMs, createdCpuMs, runningMs, runningCpuMs, goneMs, goneCpuMs };
}

/** Waits until every machine has the state; looks at each only until it has, and at none beyond some that have not. */
async function allHave(workdir: string, machines: string[], state: string): Promise<void> {
  const left = [...machines];
  await until(() => {
    for (let some = 50; some > 0 && left.length > 0; some--) {
      const [machine = ""] = left.splice(-1);
      if (Deno.readLinkSync(`${workdir}/pods-status/${machine}`) === state) some++;
      else left.unshift(machine);
    }
    return left.length === 0;
  });
}
