/** One cluster, one namespace, one instance: whatever leads elsewhere by mistake tells nothing, and changes nothing. */
import assert from "node:assert/strict";
import type { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";
import { machinesOf, type Site } from "../support/site.ts";

type OnCluster = Site & { cluster: Cluster };

/** A kubeconfig that leads to another namespace of the same cluster, and that namespace; nothing if it does not exist. */
async function elsewhere(site: OnCluster, exists: boolean): Promise<{ kubeconfig: string; other?: Cluster }> {
  if (exists) {
    const other = await site.cluster.sibling();
    return { kubeconfig: other.kubeconfig(), other };
  }
  const config = JSON.parse(site.cluster.kubeconfig());
  config.contexts[0].context.namespace = `${site.cluster.namespace}-2`;
  return { kubeconfig: JSON.stringify(config) };
}

/** What is said, once, where the credentials lead to the other namespace. */
function refusal(site: OnCluster): RegExp {
  const { namespace } = site.cluster;
  return new RegExp(
    `The credentials lead to namespace '${namespace}-2' .*, but the machines of '${site.workdir}' are in ` +
      `namespace '${namespace}' .*--accept-cluster ([0-9a-f]{12})`,
  );
}

for (const exists of [true, false]) {
  for (const runs of [true, false]) {
    const where = `a namespace that ${exists ? "exists" : "does not exist"}`;
    const when = runs ? "while serve runs" : "while serve is stopped";
    clusterTest(`a context that is switched to ${where} ${when} takes no machine`, async (site) => {
      const { kubeconfig, other } = await elsewhere(site, exists);
      try {
        let serve = site.serve();
        const id = await site.request(12);
        await site.allRunning(id);
        const before = await site.cluster.podMarks();
        if (!runs) await serve.stop();
        site.write("kubeconfig", kubeconfig);
        if (!runs) serve = site.serve();
        await serve.says(refusal(site));
        const late = await site.request(1);
        await eventually("verbs say so", async () => {
          const { requests, message } = await site.returnRequests();
          assert.deepEqual(requests, []);
          return /is not served now: .*The credentials lead to namespace '.*-2' .* are in namespace '/.test(message);
        });
        assert.equal((await site.status(id)).status, "complete");

        site.write("kubeconfig", site.cluster.kubeconfig());
        await site.allRunning(late);
        assert.deepEqual((await site.returnRequests(machinesOf(id, 12))).requests, []);
        assert.deepEqual((await site.cluster.podMarks()).filter((mark) => !mark.startsWith(late)), before);
        if (other) assert.deepEqual(await other.podNames(), []);
      } finally {
        await other?.deleteNamespace();
      }
    }, { on: ["real"] });
  }
}

clusterTest(
  "a move to another namespace is accepted by its fingerprint; the machines of before are gone",
  async (site) => {
    const { kubeconfig, other } = await elsewhere(site, true);
    try {
      const first = site.serve();
      const id = await site.request(2);
      await site.allRunning(id);
      await first.stop();
      site.write("kubeconfig", kubeconfig);
      const refused = site.serve();
      await refused.says(refusal(site));
      const [, fingerprint = ""] = refusal(site).exec(refused.stderr) ?? [];
      await refused.stop();
      site.serve("--accept-cluster", fingerprint);
      const late = await site.request(1);
      await site.allRunning(late);
      await eventually("they are named", async () => {
        const named = (await site.returnRequests()).requests.map(({ machine }) => machine).sort();
        return named.join() === machinesOf(id, 2).join();
      });
      assert.deepEqual([await site.cluster.podNames(), await other?.podNames()], [machinesOf(id, 2), [`${late}-0`]]);
    } finally {
      await other?.deleteNamespace();
    }
  },
  { on: ["real"] },
);

clusterTest("in a namespace that two sites share, a command without --instance is refused", async (site) => {
  const other = site.beside() as OnCluster;
  const [ours, theirs] = [site.serve("--instance", "ours"), other.serve("--instance", "theirs")];
  const id = await site.request(3);
  await site.allRunning(id);
  await other.allRunning(await other.request(3));
  const before = await site.cluster.podMarks();
  await ours.stop();
  for (const command of [["serve"], ["rebuild"], ["rebuild", "--dry-run"], ["serve", "--instance", "theirs"]]) {
    const { code, stderr } = await site.run(command);
    assert.equal(code, 1, `${command}: ${stderr}`);
    assert.match(stderr, /Cannot serve instance '.*' from '.*': its machines are of instance 'ours'/);
  }
  site.serve("--instance", "ours");
  await eventually("it is served", async () => {
    const { message, requests } = await site.returnRequests();
    assert.deepEqual(requests, []);
    return message === "No machine is to be returned.";
  });
  assert.deepEqual(await site.cluster.podMarks(), before);
  assert.deepEqual(site.entries("requests"), [id]);
  assert.ok(theirs.isAlive);
}, { on: ["real"] });

clusterTest("a pod whose labels somebody has taken away is not gone, and goes when it is given back", async (site) => {
  const serve = site.serve();
  const id = await site.request(3);
  await site.allRunning(id);
  const before = await site.cluster.podMarks();
  const unlabel = async (machine: string, ...labels: string[]) => {
    const none = Object.fromEntries(labels.map((label) => [`symphony/hostfactory-${label}`, null]));
    const path = `/api/v1/namespaces/${site.cluster.namespace}/pods/${machine}`;
    await site.cluster.call("PATCH", path, { metadata: { labels: none } });
  };
  await unlabel(`${id}-0`, "reqid");
  await unlabel(`${id}-1`, "instance", "workdir");
  await serve.says(/Pods are followed by asking for each: put their labels back/);
  await serve.stop();
  site.serve(); // It has but the list to go by.
  await eventually("the cluster has been listed", async () => {
    const { requests, message } = await site.returnRequests();
    assert.deepEqual(requests, []);
    return message === "No machine is to be returned.";
  });
  const { status, machines } = await site.status(id);
  assert.deepEqual([status, ...machines.map(({ status }) => status)], ["complete", "running", "running", "running"]);
  assert.deepEqual(await site.cluster.podMarks(), before);
  assert.equal((await site.settled(await site.giveBack([`${id}-0`]))).status, "complete");
  await site.cluster.deletePod(`${id}-1`);
  await eventually("the one that has really gone is named", async () => {
    return (await site.returnRequests()).requests.map(({ machine }) => machine).join() === `${id}-1`;
  });
  assert.deepEqual(await site.cluster.podNames(), [`${id}-2`]);
}, { on: ["real"] });
