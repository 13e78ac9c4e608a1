/** A node pool is deleted with all that ran on it. */
import assert from "node:assert/strict";
import type { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";
import { manifest } from "../support/site.ts";

/** As many as the promise is made for; a real control plane needs a minute of CPU for each thousand. */
const MACHINES = { simulator: 1_000, real: 200 };

/** How long it may take, in seconds, until Symphony is told. */
const WITHIN = 60;

/** A pool's own names, and what pods need to run on its nodes. */
interface NodePool {
  nodes: string[];
  spec: object;
}

/** Makes nodes of their own for a site, which take no pods of others; as those of the kit, they are played. */
async function nodePool(cluster: Cluster): Promise<NodePool> {
  const { namespace } = cluster;
  const capacity = { cpu: "2000", memory: "2000Gi", pods: "500" };
  const names = [0, 1, 2].map((index) => `pool-${namespace}-${index}`);
  for (const name of names) {
    const metadata = { name, labels: { pool: namespace, type: "kwok" }, annotations: { "kwok.x-k8s.io/node": "fake" } };
    const spec = { taints: [{ key: "pool", value: namespace, effect: "NoSchedule" }] };
    await cluster.call("POST", "/api/v1/nodes", { metadata, spec, status: { capacity, allocatable: capacity } });
  }
  return {
    nodes: names,
    spec: { nodeSelector: { pool: namespace }, tolerations: [{ key: "pool", operator: "Exists" }] },
  };
}

clusterTest(
  `machines whose node pool goes while no one looks are named within ${WITHIN} s, however many they are`,
  async (site, kind) => {
    const { cluster } = site;
    const call = cluster.call.bind(cluster);
    const machines = MACHINES[kind];
    // All nodes of a simulator are the site's own.
    const { nodes, spec } = kind === "real" ? await nodePool(cluster) : { nodes: [], spec: {} };
    try {
      site.writeTemplates({ small: { ...manifest, spec: { ...manifest.spec, ...spec } } });
      const serve = site.serve();
      const id = await site.request(machines);
      await site.allRunning(id);
      await serve.stop();
      for (const node of nodes) await call("DELETE", `/api/v1/nodes/${node}`);
      // As the garbage collector of pods does, a minute later.
      await call("DELETE", `/api/v1/namespaces/${cluster.namespace}/pods?gracePeriodSeconds=0`);
      const startMs = performance.now();
      const next = site.serve();
      await next.says(new RegExp(`The view of the cluster is in doubt missing=${machines} of=${machines}`));
      assert.deepEqual((await site.returnRequests()).requests, []);
      await eventually("all are named", async () => (await site.returnRequests()).requests.length === machines, {
        everyMs: 500,
      });
      const seconds = (performance.now() - startMs) / 1_000;
      assert.ok(seconds <= WITHIN, `it took ${seconds} s`);
      assert.deepEqual(await cluster.podNames(), []);
    } finally {
      for (const node of nodes) await call("DELETE", `/api/v1/nodes/${node}`).catch(() => {});
    }
  },
);
