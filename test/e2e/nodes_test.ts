/** Machines whose nodes go: named to Symphony before they die, and no one else's. */
import assert from "node:assert/strict";
import type { Taint } from "../../src/kube/types.ts";
import type { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";
import { machinesOf, manifest, type Site } from "../support/site.ts";

/** Tests of this file run at once on nodes that they share: each takes its own. */
const SPARED = 0, DISRUPTED = 1, DRAINED = 2;

/** Asks for machines on the n-th node of the cluster, and waits until they run. @returns the node and the request's id */
async function machinesOn(
  site: Site & { cluster: Cluster },
  position: number,
  count: number,
): Promise<[string, string]> {
  const node = (await site.cluster.nodeNames())[position] ?? "";
  const templateId = `on-${position}`;
  const spec = { ...manifest.spec, nodeName: node, terminationGracePeriodSeconds: 25 };
  site.writeTemplates({ small: manifest, [templateId]: { ...manifest, spec } });
  const id = await site.request(count, { templateId });
  await site.allRunning(id);
  return [node, id];
}

/** What is named once it is exactly these machines. */
async function named(site: Site, machines: string[]): Promise<number[]> {
  const { requests } = await eventually(`named: ${machines}`, async () => {
    const answer = await site.returnRequests();
    const isRight = answer.requests.map(({ machine }) => machine).sort().join() === machines.join();
    return !/not been listed/.test(answer.message) && isRight && answer;
  });
  return requests.map(({ gracePeriod }) => gracePeriod);
}

clusterTest("machines on a node that Karpenter takes are named with their grace, until it is spared", async (site) => {
  await site.cluster.grantNodes();
  site.serve();
  const [node, id] = await machinesOn(site, DISRUPTED, 2);
  await machinesOn(site, SPARED, 1);
  await named(site, []);
  const disrupted: Taint = { key: "karpenter.sh/disrupted", effect: "NoSchedule" };
  await site.cluster.changeNode(node, ({ taints = [] }) => ({ taints: [...taints, disrupted] }));
  assert.deepEqual(await named(site, machinesOf(id, 2)), [25, 25]);
  assert.deepEqual((await site.returnRequests([`${id}-1`])).requests.map(({ machine }) => machine), [`${id}-1`]);
  assert.equal((await site.status(id)).status, "complete", "they still run");

  await site.cluster.changeNode(node, ({ taints = [] }) => ({
    taints: taints.filter(({ key }) => key !== disrupted.key),
  }));
  await named(site, []);
  const file = JSON.parse(Deno.readTextFileSync(`${site.workdir}/nodes/${node}`));
  assert.equal(file.metadata.name, node);
  assert.equal(typeof file.metadata.creation_timestamp, "number");
});

clusterTest("a cordon takes no machine, a drain takes all of them: with a process for each watcher", async (site) => {
  await site.cluster.grantNodes();
  const watchers = ["request-machines", "pods", "nodes"].map((name) => site.start(["watch", name]));
  const [node, id] = await machinesOn(site, DRAINED, 5);
  await site.cluster.changeNode(node, () => ({ unschedulable: true }));
  try {
    await eventually("the cordon is seen", () => {
      return JSON.parse(Deno.readTextFileSync(`${site.workdir}/nodes/${node}`)).spec.unschedulable === true;
    });
    await named(site, []);
    // As a descheduler does: that one is named, and no other.
    await site.cluster.evictPod(`${id}-0`);
    await named(site, [`${id}-0`]);
    // As a drain does; that it comes to the others later, or a disruption budget holds it up, changes nothing.
    for (const index of [1, 2]) await site.cluster.evictPod(`${id}-${index}`);
    await named(site, machinesOf(id, 5));
  } finally {
    await site.cluster.changeNode(node, () => ({ unschedulable: false }));
  }
  await named(site, machinesOf(id, 3));
  assert.deepEqual(await Promise.all(watchers.map((one) => one.stop())), [0, 0, 0]);
});

clusterTest("who may not see nodes does without them, and is told once what to apply", async (site) => {
  const serve = site.serve();
  const id = await site.request(2);
  await site.allRunning(id);
  await serve.says(/scripts\/rbac\/nodes\.yaml/);
  await site.cluster.deletePod(`${id}-0`);
  await named(site, [`${id}-0`]);
  assert.equal((await site.returnRequests()).message, "Machines to be terminated.");
  await site.settled(await site.giveBack(machinesOf(id, 2)));
  assert.equal(serve.stderr.match(/scripts\/rbac\/nodes\.yaml/g)?.length, 1);
  assert.deepEqual(site.entries("nodes"), []);
  assert.ok(!site.entries("views").includes("nodes.json"));
});
