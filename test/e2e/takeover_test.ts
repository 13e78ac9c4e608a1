/** A work directory of the legacy plug-in is taken over as it is, mid-flight. */
import assert from "node:assert/strict";
import type { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/deadline.ts";
import { clusterTest, siteTest } from "../support/e2e.ts";
import { installLegacyPlugin, legacyPluginPod } from "../support/legacy_plugin.ts";
import { machinesOf, type Site } from "../support/site.ts";

siteTest("what the legacy plug-in wrote is answered before any daemon ran", async (site) => {
  const ids = await installLegacyPlugin(site);
  for (const id of [ids.running, ids.sixRunning, ids.returned]) {
    const [theirs] = JSON.parse(Deno.readTextFileSync(`${site.directory}/answer-${id}.json`)).requests;
    const ours = await site.status(id);
    const about = (machines: typeof ours.machines) =>
      machines.map(({ name, result, status, machineId, privateIpAddress }) =>
        [name, result, status, machineId, privateIpAddress].join(" ")
      ).sort();
    if (id !== ids.running) {
      assert.equal(ours.status, theirs.status);
      assert.deepEqual(about(ours.machines), about(theirs.machines));
      continue;
    }
    // Where we differ: a machine that was up until Symphony gave it back is no failure, and a launch time is a number.
    assert.deepEqual([theirs.status, ours.status], ["complete_with_error", "complete"]);
    const given = ours.machines.find(({ name }) => name === `${id}-0`);
    assert.deepEqual([given?.result, given?.status, typeof given?.launchtime], ["succeed", "terminated", "number"]);
    const others = (machines: typeof ours.machines) => about(machines.filter(({ name }) => name !== `${id}-0`));
    assert.deepEqual(others(ours.machines), others(theirs.machines));
  }
  assert.equal((await site.status(ids.notPickedUp)).status, "running");
  const { requests, message } = await site.returnRequests();
  assert.deepEqual(requests, [], "its files are no view of the cluster");
  assert.match(message, /not been listed yet/);
});

clusterTest("the legacy plug-in's pods are adopted, and what it left pending is created", async (site) => {
  const ids = await installLegacyPlugin(site);
  for (const index of [1, 2]) await createAsNoted(site, ids.running, index);
  for (const index of [0, 1, 2, 3]) await createAsNoted(site, ids.sixRunning, index);
  await site.cluster.createPod(legacyPluginPod("somebodyelse", 0));
  const before = await site.cluster.pods();
  const serve = site.serve();

  const created = await site.allRunning(ids.notPickedUp);
  assert.deepEqual(created.map(({ name }) => name), machinesOf(ids.notPickedUp, 2));
  const image = (await site.cluster.pods()).get(`${ids.notPickedUp}-0`)?.spec.containers[0]?.image;
  assert.equal(image, "symphony:7.3.2", "made from the manifest that its link leads to");

  const adopted = await runningAs(site, ids.running, machinesOf(ids.running, 3).slice(1));
  for (const machine of adopted) assert.equal(machine.machineId, before.get(machine.name)?.metadata.uid);
  // The files name two machines whose pods are not there: lost while no one watched, and Symphony is to know.
  const lost = machinesOf(ids.sixRunning, 6).slice(4);
  await eventually("the lost machines are named", async () => {
    return (await site.returnRequests()).requests.map(({ machine }) => machine).sort().join() === lost.join();
  });
  const six = await site.status(ids.sixRunning);
  assert.equal(six.status, "complete_with_error");
  assert.deepEqual(six.machines.filter(({ result }) => result === "fail").map(({ name }) => name), lost);

  const returned = await site.giveBack([...machinesOf(ids.running, 3), ...machinesOf(ids.sixRunning, 6)]);
  assert.equal((await site.settled(returned)).status, "complete");
  assert.deepEqual(await site.cluster.podNames(), [...machinesOf(ids.notPickedUp, 2), "somebodyelse-0"].sort());
  assert.ok(serve.isAlive);
  await eventually("only these are known, and the stranger's pod is not", () => {
    return site.entries("pods").join() === machinesOf(ids.notPickedUp, 2).join();
  });
});

/** Makes a pod that the files tell of: in them it has the uid that it had in another cluster. */
async function createAsNoted(site: Site & { cluster: Cluster }, id: string, index: number): Promise<void> {
  const { metadata } = await site.cluster.createPod(legacyPluginPod(id, index));
  const path = `${site.workdir}/pods/${metadata.name}`;
  const noted = JSON.parse(Deno.readTextFileSync(path));
  noted.metadata.uid = metadata.uid;
  Deno.writeTextFileSync(path, JSON.stringify(noted));
}

/** These machines of a request, once all of them run as the cluster has them now. */
async function runningAs(site: Site, id: string, names: string[]) {
  return await eventually(`${names} run`, async () => {
    const { machines } = await site.status(id);
    const pods = await site.cluster?.pods();
    const ready = machines.filter(({ name, status, machineId }) =>
      names.includes(name) && status === "running" && pods?.get(name)?.metadata.uid === machineId
    );
    return ready.length === names.length && ready;
  });
}
