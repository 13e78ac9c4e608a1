/** etcd is put back from a snapshot, on a control plane of its own: what is lost is told, and nothing else goes. */
import assert from "node:assert/strict";
import { type Component, ControlPlane } from "../chaos/control_plane.ts";
import { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/deadline.ts";
import { machinesOf, Site } from "../support/site.ts";

const missing = Deno.env.get("HF_BINARY") === undefined
  ? "HF_BINARY"
  : ControlPlane.isThere
  ? undefined
  : "kit of a control plane";

/** What follows the cluster by watches, and has to begin again after a restore, as its operator does with it. */
const followers: Component[] = ["kube-controller-manager", "kube-scheduler", "kwok"];

/** What is named to Symphony, once that is exactly these machines. */
async function named(site: Site, machines: string[]): Promise<void> {
  await eventually(`named: ${machines}`, async () => {
    const { requests } = await site.returnRequests();
    return requests.map(({ machine }) => machine).sort().join() === machines.join();
  });
}

Deno.test({
  name: `etcd put back from a snapshot costs no machine that it knows, and those that are lost are named${
    missing === undefined ? "" : ` (SKIPPED: no ${missing})`
  }`,
  ignore: missing !== undefined,
  fn: async () => {
    const directory = await Deno.makeTempDir({ prefix: "hostfactory-e2e-" });
    try {
      await using plane = await ControlPlane.start(directory, { nodes: 3 });
      using cluster = Cluster.at(plane.kubeconfig, "default");
      await cluster.grantRole();
      Deno.mkdirSync(`${directory}/site`);
      await using site = new Site(`${directory}/site`, cluster);
      try {
        await restores(site as Site & { cluster: Cluster }, plane);
      } catch (error) {
        throw new Error(`${(error as Error).message}\nserve has said:\n${site.log}`, { cause: error });
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

async function restores(site: Site & { cluster: Cluster }, plane: ControlPlane): Promise<void> {
  const { cluster } = site;
  const end = (...components: Component[]) => Promise.all(components.map((component) => plane.kill(component)));
  const begin = async (...components: Component[]) => {
    for (const component of components) await plane.start(component);
  };
  const serve = site.serve();
  const kept = await site.request(3);
  const back = await site.request(2);
  await site.allRunning(kept);
  await site.allRunning(back);
  const putBack = await plane.snapshot();

  // 1. Under an API server that runs on, which goes on to list what is lost.
  const first = await site.request(3);
  const machines = await site.allRunning(first);
  await site.settled(await site.giveBack(machinesOf(back, 2)));
  const running = (await site.allRunning(kept)).map(({ machineId }) => machineId);
  await end(...followers, "etcd");
  putBack();
  await begin("etcd");
  await serve.says(/The view of the cluster is in doubt: restart every API server/);
  await eventually("the machines that are lost are known to be", async () => {
    return (await site.status(first)).machines.every(({ result }) => result === "fail");
  });
  const { requests, message } = await site.returnRequests();
  assert.deepEqual(requests, []);
  assert.match(message, /etcd was restored under a running API server/);
  await end("kube-apiserver");
  await begin("kube-apiserver", ...followers);
  await named(site, machines.map(({ name }) => name).sort());
  await eventually("what was given back has gone again", async () => {
    return (await cluster.podNames()).join() === machinesOf(kept, 3).join();
  });

  // 2. With the API server stopped meanwhile.
  const second = await site.request(2);
  const late = await site.allRunning(second);
  await end("kube-apiserver", ...followers, "etcd");
  putBack();
  await begin("etcd", "kube-apiserver", ...followers);
  await named(site, [...machines, ...late].map(({ name }) => name).sort());
  await eventually("what was given back has gone once more", async () => {
    return (await cluster.podNames()).join() === machinesOf(kept, 3).join();
  });

  assert.deepEqual((await site.allRunning(kept)).map(({ machineId }) => machineId), running);
  await site.allRunning(await site.request(2));
  assert.ok(serve.isAlive);
}
