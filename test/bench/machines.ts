import { writeConfiguration } from "./fixture.ts";
import { exists, measure, median, memory, startServe, until } from "./process.ts";

/** Milliseconds from the verb on. */
interface Times {
  createdMs: number;
  runningMs: number;
  goneMs: number;
}

/**
 * How long `serve` takes from a verb to running and to gone, beside a bare loop of POSTs and DELETEs on the same cluster
 * and client-node's informer with one create a machine, in the same run. Each is measured `rounds` times in turn; printed are medians.
 */
export async function benchMachines(
  binary: string,
  options: { name: string; kubeconfig: string; directory: string; count: number; rounds: number },
): Promise<void> {
  const { name, kubeconfig, directory, count, rounds } = options;
  writeConfiguration(`${directory}/conf`);
  const bare: Times[] = [];
  const clientNode: Times[] = [];
  const ours: Times[] = [];
  let idle = { nowMb: 0, peakMb: 0, cpuSeconds: 0 };
  for (let round = 0; round < rounds; round++) {
    bare.push(await loop("bare_loop.ts", { kubeconfig, count }));
    clientNode.push(await loop("client_node_loop.ts", { kubeconfig, count }));
    const workdir = `${directory}/work-${name.replaceAll(" ", "-")}-${round}`;
    const serve = await startServe(binary, workdir, { kubeconfig, log: `${directory}/serve.log` });
    try {
      ours.push(
        await throughTheVerbs(binary, { workdir, confdir: `${directory}/conf`, count }, () => {
          idle = memory(serve.pid);
        }),
      );
    } finally {
      serve.kill("SIGTERM");
      await serve.status;
    }
  }
  console.log(
    `\n${name}: ${count} machines, 32 in flight, ${rounds} rounds   bare loop s   hostfactory s   ratio   client-node s`,
  );
  for (const key of ["createdMs", "runningMs", "goneMs"] as const) {
    const [a = NaN, b = NaN, c = NaN] = [bare, ours, clientNode].map((all) => median(all.map((times) => times[key])));
    const label = { createdMs: "created", runningMs: "all running", goneMs: "returned and gone" }[key];
    console.log(
      `${label.padEnd(40)}${(a / 1000).toFixed(2).padStart(14)}${(b / 1000).toFixed(2).padStart(16)}${
        (b / a).toFixed(2).padStart(8)
      }${(c / 1000).toFixed(2).padStart(16)}`,
    );
  }
  const rate = (times: Times[]) => (count / median(times.map(({ createdMs }) => createdMs)) * 1000).toFixed(0);
  console.log(
    `creates per second: bare loop ${rate(bare)}, hostfactory ${rate(ours)}, client-node ${rate(clientNode)}`,
  );
  console.log(
    `serve with ${count} machines known: ${idle.nowMb.toFixed(0)} MiB idle, ${idle.peakMb.toFixed(0)} MiB at most`,
  );
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
  { workdir, confdir, count }: { workdir: string; confdir: string; count: number },
  whileRunning: () => void,
): Promise<Times> {
  const verb = async (name: string, input: unknown) => {
    const run = await measure(binary, ["--workdir", workdir, "--confdir", confdir, name], JSON.stringify(input));
    if (run.code !== 0) throw new Error(`${name} failed: ${run.stdout}`);
    return JSON.parse(run.stdout);
  };
  const startedMs = performance.now();
  const elapsed = () => performance.now() - startedMs;
  const { requestId } = await verb("request-machines", { template: { templateId: "T", machineCount: count } });
  const machines = Array.from({ length: count }, (_, i) => `${requestId}-${i}`);
  await until(() => exists(`${workdir}/requests/${requestId}/.processed`));
  const createdMs = elapsed();
  await allHave(workdir, machines, "running");
  const runningMs = elapsed();
  await new Promise((resolve) => setTimeout(resolve, 11_000)); // Idle: memory is given back every ten seconds.
  whileRunning();
  const returnedMs = elapsed();
  await verb("request-return-machines", { machines: machines.map((name) => ({ name })) });
  await allHave(workdir, machines, "deleted");
  return { createdMs, runningMs, goneMs: elapsed() - returnedMs };
}

/** Waits until every machine has the word; looks at each only until it has. */
async function allHave(workdir: string, machines: string[], word: string): Promise<void> {
  let left = machines;
  await until(() => {
    left = left.filter((machine) => Deno.readLinkSync(`${workdir}/pods-status/${machine}`) !== word);
    return left.length === 0;
  });
}
