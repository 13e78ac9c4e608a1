/**
 * What a user would write instead: client-node's informer and one create a machine, then one delete each. Run as a program of
 * its own, so that it shares nothing with what it is compared to.
 * Arguments: kubeconfig, pods, concurrency. Prints one JSON object with milliseconds, as the bare loop does.
 */
import { CoreV1Api, KubeConfig, makeInformer, type V1Pod } from "@kubernetes/client-node";
import process from "node:process";
import { MANIFEST } from "./fixture.ts";

const [kubeconfig = "", count = "1000", concurrency = "32"] = Deno.args;
const config = new KubeConfig();
config.loadFromFile(kubeconfig);
const core = config.makeApiClient(CoreV1Api);
const namespace = config.getContextObject(config.currentContext)?.namespace ?? "default";
const label = `client-node-${crypto.randomUUID().slice(0, 8)}`;
const labelSelector = `bare=${label}`;
const running = new Set<string>();
const gone = new Set<string>();

const informer = makeInformer<V1Pod>(
  config,
  `/api/v1/namespaces/${namespace}/pods`,
  () => core.listNamespacedPod({ namespace, labelSelector }),
  labelSelector,
);
for (const event of ["add", "update"] as const) {
  informer.on(event, ({ metadata, status }) => {
    if (status?.phase === "Running") running.add(metadata?.name ?? "");
  });
}
informer.on("delete", ({ metadata }) => gone.add(metadata?.name ?? ""));
// As its documentation advises: it ends with its watch.
informer.on("error", () => setTimeout(() => informer.start(), 100));
await informer.start();

const startedMs = performance.now();
const elapsed = () => Math.round(performance.now() - startedMs);
const cpuAtStart = process.cpuUsage();
const cpu = () => {
  const { user, system } = process.cpuUsage(cpuAtStart);
  return Math.round((user + system) / 1000);
};
await each(async (i) => {
  const body = { ...MANIFEST, metadata: { name: `${label}-${i}`, labels: { bare: label } } } as V1Pod;
  await core.createNamespacedPod({ namespace, body });
});
const [createdMs, createdCpuMs] = [elapsed(), cpu()];
await until(() => running.size >= Number(count));
const [runningMs, runningCpuMs] = [elapsed(), cpu()];
await each(async (i) => void await core.deleteNamespacedPod({ namespace, name: `${label}-${i}` }));
await until(() => gone.size >= Number(count));
const [goneMs, goneCpuMs] = [elapsed() - runningMs, cpu() - runningCpuMs];
console.log(JSON.stringify({ createdMs, runningMs, goneMs, createdCpuMs, runningCpuMs, goneCpuMs }));
Deno.exit(0); // The informer never ends by itself.

async function each(work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: Number(concurrency) }, async () => {
    while (next < Number(count)) await work(next++);
  }));
}

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 120_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`${running.size} running, ${gone.size} gone after 120 s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
