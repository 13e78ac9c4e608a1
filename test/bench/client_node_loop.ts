/**
 * What a user would write instead: client-node's informer and one create a machine, then one delete each. Run as a program of
 * its own, so that it shares nothing with what it is compared to.
 * Arguments: kubeconfig, pods, concurrency. Prints one JSON object with milliseconds, as the bare loop does.
 */
import { CoreV1Api, KubeConfig, makeInformer, type V1Pod } from "@kubernetes/client-node";
import { MANIFEST } from "./fixture.ts";
import { runPhases } from "./loop_phases.ts";

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

await runPhases({
  async create(i) {
    const body = { ...MANIFEST, metadata: { name: `${label}-${i}`, labels: { bare: label } } } as V1Pod;
    await core.createNamespacedPod({ namespace, body });
  },
  async remove(i) {
    await core.deleteNamespacedPod({ namespace, name: `${label}-${i}` });
  },
  running,
  gone,
}, { count: Number(count), concurrency: Number(concurrency) });
Deno.exit(0); // The informer never ends by itself.
