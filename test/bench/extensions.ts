import { writeConfiguration } from "./fixture.ts";
import { exists, measure, median, sleep, startServe, until } from "./process.ts";

/** What is measured: how many extensions there are, how many machines each takes in one call, and how long each call takes. */
const CASES = [
  { what: "no extension", extensions: 0, batch: 1, latencyMs: 0 },
  { what: "one", extensions: 1, batch: 100, latencyMs: 0 },
  { what: "one, a machine at a time", extensions: 1, batch: 1, latencyMs: 0 },
  { what: "one that takes 200 ms", extensions: 1, batch: 100, latencyMs: 200 },
  { what: "one that takes 200 ms, a machine at a time", extensions: 1, batch: 1, latencyMs: 200 },
  { what: "ten", extensions: 10, batch: 100, latencyMs: 0 },
] as const;

/** How long, in milliseconds, `serve` may take to see that registrations have changed. */
const FOLLOWED_MS = 2_500;

/**
 * How long `serve` takes from a verb until every pod is created that pre-create hooks change first, as multiples of the time
 * without any. The hooks are in this process; each adds an annotation. Each case is measured `rounds` times in turn.
 */
export async function benchExtensions(
  binary: string,
  { kubeconfig, directory, count, rounds }: { kubeconfig: string; directory: string; count: number; rounds: number },
): Promise<void> {
  const confdir = `${directory}/conf-extensions`;
  const workdir = `${directory}/work-extensions`;
  writeConfiguration(confdir);
  Deno.mkdirSync(`${confdir}/extensions.d`);
  let latencyMs = 0;
  const hook = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const document = await request.json();
    if (latencyMs > 0) await sleep(latencyMs);
    return Response.json(answerTo(document));
  });
  const options = { kubeconfig, log: `${directory}/serve-extensions.log`, confdir };
  const serve = await startServe(binary, workdir, options);
  const times = new Map<string, number[]>();
  try {
    for (let round = 0; round < rounds; round++) {
      for (const one of CASES) {
        register(confdir, one, hook.addr.port);
        latencyMs = one.latencyMs;
        await sleep(FOLLOWED_MS);
        const ms = await create(binary, { workdir, confdir, count });
        times.set(one.what, [...times.get(one.what) ?? [], ms]);
      }
    }
  } finally {
    serve.kill("SIGTERM");
    await serve.status;
    await hook.shutdown();
  }
  const bare = median(times.get(CASES[0].what) ?? []);
  console.log(`\n${count} machines created through extensions, ${rounds} rounds`.padEnd(60), "s   ratio");
  for (const { what } of CASES) {
    const ms = median(times.get(what) ?? []);
    console.log(`${what.padEnd(55)}${(ms / 1000).toFixed(2).padStart(8)}${(ms / bare).toFixed(2).padStart(8)}`);
  }
}

interface Machine {
  pod: { metadata: { annotations?: Record<string, string> } };
}

function answerTo(document: { extension: string; machines?: Machine[] } & Machine): unknown {
  const changed = ({ pod }: Machine) => {
    pod.metadata.annotations = { ...pod.metadata.annotations, [`example.com/${document.extension}`]: "was here" };
    return pod;
  };
  if (!document.machines) return changed(document);
  return { answers: document.machines.map((machine) => ({ status: 200, pod: changed(machine) })) };
}

function register(confdir: string, { extensions, batch }: { extensions: number; batch: number }, port: number): void {
  const directory = `${confdir}/extensions.d`;
  for (const { name } of Deno.readDirSync(directory)) Deno.removeSync(`${directory}/${name}`);
  for (let n = 0; n < extensions; n++) {
    const hooks = { "pre-create": `http://127.0.0.1:${port}/` };
    const registration = { name: `extension-${n}`, hooks, batch, allowAddresses: ["loopback"] };
    Deno.writeTextFileSync(`${directory}/${n}.json`, JSON.stringify(registration));
  }
}

/** @returns milliseconds from the verb on until every pod is created */
async function create(
  binary: string,
  { workdir, confdir, count }: { workdir: string; confdir: string; count: number },
): Promise<number> {
  const verb = async (name: string, input: unknown) => {
    const run = await measure(binary, ["--workdir", workdir, "--confdir", confdir, name], JSON.stringify(input));
    if (run.code !== 0) throw new Error(`${name} failed: ${run.stdout}`);
    return JSON.parse(run.stdout);
  };
  const startedMs = performance.now();
  const { requestId } = await verb("request-machines", { template: { templateId: "T", machineCount: count } });
  await until(() => exists(`${workdir}/requests/${requestId}/.processed`));
  const ms = performance.now() - startedMs;
  const machines = Array.from({ length: count }, (_, i) => ({ name: `${requestId}-${i}` }));
  await verb("request-return-machines", { machines });
  await until(() => machines.every(({ name }) => Deno.readLinkSync(`${workdir}/pods-status/${name}`) === "deleted"));
  return ms;
}
