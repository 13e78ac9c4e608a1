/** A node pool is deleted with all that ran on it. */
import assert from "node:assert/strict";
import type { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";
import { manifest } from "../support/site.ts";

const MACHINES = 1_000;

/** How long it may take, in seconds, until Symphony is told. */
const WITHIN = 60;

/** Makes nodes of their own for a site, which take no pods of others; as those of the kit, they are played. */
async function nodePool(cluster: Cluster): Promise<string[]> {
  const { namespace } = cluster;
  const capacity = { cpu: "2000", memory: "2000Gi", pods: "500" };
  const names = [0, 1, 2].map((index) => `pool-${namespace}-${index}`);
  for (const name of names) {
    const metadata = { name, labels: { pool: namespace, type: "kwok" }, annotations: { "kwok.x-k8s.io/node": "fake" } };
    const spec = { taints: [{ key: "pool", value: namespace, effect: "NoSchedule" }] };
    await cluster.call("POST", "/api/v1/nodes", { metadata, spec, status: { capacity, allocatable: capacity } });
  }
  return names;
}

clusterTest(
  `${MACHINES} machines whose node pool goes while no one looks are named within ${WITHIN} s`,
  async (site) => {
    const { cluster } = site;
    const call = cluster.call.bind(cluster);
    const nodes = await nodePool(cluster);
    try {
      const tolerations = [{ key: "pool", operator: "Exists" }];
      const spec = { ...manifest.spec, nodeSelector: { pool: cluster.namespace }, tolerations };
      site.writeTemplates({ small: { ...manifest, spec } });
      const serve = site.serve();
      const id = await site.request(MACHINES);
      await site.allRunning(id);
      await serve.stop();
      for (const node of nodes) await call("DELETE", `/api/v1/nodes/${node}`);
      // As the garbage collector of pods does, a minute later.
      await call("DELETE", `/api/v1/namespaces/${cluster.namespace}/pods?gracePeriodSeconds=0`);
      const startMs = performance.now();
      const next = site.serve();
      await next.says(/The view of the cluster is in doubt missing=1000 of=1000/);
      assert.deepEqual((await site.returnRequests()).requests, []);
      await eventually("all are named", async () => (await site.returnRequests()).requests.length === MACHINES, {
        everyMs: 500,
      });
      const seconds = (performance.now() - startMs) / 1_000;
      assert.ok(seconds <= WITHIN, `it took ${seconds} s`);
      assert.deepEqual(await cluster.podNames(), []);
    } finally {
      for (const node of nodes) await call("DELETE", `/api/v1/nodes/${node}`).catch(() => {});
    }
  },
  { on: ["real"] },
);
