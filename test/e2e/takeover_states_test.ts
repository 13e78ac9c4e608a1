/** Whatever the legacy plug-in was in the middle of when it was stopped, we carry on; and it can carry on after us. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";
import { query } from "../support/events_database.ts";
import { LegacyPluginActor } from "../support/legacy_plugin_actor.ts";
import { legacyPlugin } from "../support/legacy_plugin_reader.ts";
import { machinesOf } from "../support/site.ts";

clusterTest("the legacy plug-in is taken over in every state that it can be stopped in", async (site) => {
  const theirs = new LegacyPluginActor(site);
  const { cluster } = site;
  const create = async (machines: string[], behaviour?: string) => {
    for (const machine of machines) await theirs.create(machine, behaviour);
  };
  const settle = (machines: string[]) => machines.forEach((machine) => theirs.settle(machine));
  const inPhase = async (machines: string[], phase: string) =>
    await eventually(`${machines} are ${phase}`, async () => {
      const pods = await cluster.pods();
      return machines.every((machine) => pods.get(machine)?.status?.phase === phase);
    });
  const see = async (machines: string[]) => {
    const pods = await cluster.pods();
    for (const machine of machines) theirs.see(machine, pods.get(machine));
  };

  // Accepted, and nothing done yet.
  const pending = theirs.request("pending", 2);
  // Stopped half-way: the first is created and noted, the second created and not noted, the third neither.
  const half = theirs.request("half", 3);
  await create(half.slice(0, 2));
  settle(half.slice(0, 1));
  // Created and handled, and no event has come yet; the last one was deleted by others before that.
  const created = theirs.request("created", 3);
  await create(created.slice(0, 2));
  settle(created);
  theirs.processed("requests", "created");
  // Running, and known to be.
  const running = theirs.request("running", 2);
  await create(running);
  settle(running);
  theirs.processed("requests", "running");
  // Failed: evicted by its node.
  const failed = theirs.request("failed", 1);
  await create(failed, "evicted");
  settle(failed);
  theirs.processed("requests", "failed");
  // Ended by itself.
  const ended = theirs.request("ended", 1);
  await create(ended, "completes");
  settle(ended);
  theirs.processed("requests", "ended");
  // Timed out: it writes that the pod is deleted as soon as it has asked for that; here the call was lost.
  const timedOut = theirs.request("timedout", 1);
  await create(timedOut, "image-pull-fails");
  settle(timedOut);
  theirs.processed("requests", "timedout");
  // The same, and given back before the pod is gone.
  const tooLate = theirs.request("toolate", 1);
  await create(tooLate);
  settle(tooLate);
  theirs.processed("requests", "toolate");
  // Returned half: of the machines given back one is gone, the others are not even asked for; a fourth stays.
  const returned = theirs.request("returned", 4);
  await create(returned.slice(1));
  settle(returned);
  theirs.processed("requests", "returned");
  // Returned whole, for all that it knows: handled, but the pod is still there.
  const handedBack = theirs.request("handedback", 1);
  await create(handedBack);
  settle(handedBack);
  theirs.processed("requests", "handedback");
  // Returned before it was created: its return requests' watcher found no pod, and counts the return as handled.
  const tooEarly = theirs.request("tooearly", 1);
  // A verb that was killed leaves a hidden directory.
  const killed = theirs.killedRequest("killed", 2);
  // Its spool of events.
  const spool = `${site.workdir}/events/321b8cb9-f9e0-4ecc-8f27-cc5b9a601b7d`;
  const batch = JSON.stringify([{ category: "request", id: "pending", count: 2, timestamp: 1_795_209_837 }]);
  Deno.writeTextFileSync(spool, batch);
  await theirs.create("somebodyelse-0");

  await inPhase([...running, ...tooLate, ...returned.slice(1), ...handedBack], "Running");
  await inPhase(failed, "Failed");
  await inPhase(ended, "Succeeded");
  await see([...running, ...failed, ...ended, ...timedOut, ...tooLate, ...returned.slice(1), ...handedBack]);
  theirs.state("timedout-0", "deleted");
  theirs.state("toolate-0", "deleted");
  theirs.state("returned-0", "deleted");
  theirs.giveBack("backhalf", returned.slice(0, 3));
  theirs.giveBack("backwhole", handedBack);
  theirs.processed("return-requests", "backwhole");
  theirs.giveBack("backearly", tooEarly);
  theirs.processed("return-requests", "backearly");
  theirs.giveBack("backlate", tooLate);
  theirs.processed("return-requests", "backlate");
  const before = await cluster.pods();
  assert.equal((await site.status("backlate")).status, "running", "its pod is there");

  const serve = site.serve();
  for (const id of ["pending", "half", "running"]) {
    const machines = await site.allRunning(id);
    for (const { name, machineId } of machines) {
      const uid = before.get(name)?.metadata.uid;
      if (uid !== undefined) assert.equal(machineId, uid, `${name} is the pod that was there`);
    }
  }
  const statusOf = async (id: string) => {
    const { status, machines } = await site.settled(id);
    return [status, ...machines.map(({ name, result, status }) => `${name} ${result} ${status}`).sort()];
  };
  assert.deepEqual(await statusOf("created"), [
    "complete_with_error",
    "created-0 succeed running",
    "created-1 succeed running",
    "created-2 fail terminated",
  ]);
  assert.deepEqual(await statusOf("failed"), ["complete_with_error", "failed-0 fail terminated"]);
  assert.match((await site.status("failed")).machines[0]?.message ?? "", /Evicted/);
  assert.deepEqual(await statusOf("ended"), ["complete", "ended-0 succeed terminated"]);
  assert.deepEqual(await statusOf("timedout"), ["complete_with_error", "timedout-0 fail terminated"]);
  for (const [id, machines] of [["backhalf", returned.slice(0, 3)], ["backwhole", handedBack]] as const) {
    assert.deepEqual(await statusOf(id), ["complete", ...machines.map((name) => `${name} succeed terminated`)]);
  }
  assert.deepEqual(await statusOf("returned"), [
    "complete",
    "returned-0 succeed terminated",
    "returned-1 succeed terminated",
    "returned-2 succeed terminated",
    "returned-3 succeed running",
  ]);
  assert.deepEqual(await statusOf("tooearly"), ["complete_with_error", "tooearly-0 fail terminated"]);
  assert.deepEqual(await statusOf("backearly"), ["complete", "tooearly-0 succeed terminated"]);
  assert.deepEqual(await statusOf("backlate"), ["complete", "toolate-0 succeed terminated"]);
  assert.ok(!(await cluster.podNames()).includes("toolate-0"));

  const left = [...pending, ...half, ...created.slice(0, 2), ...running, "ended-0", "failed-0", "returned-3"];
  await eventually("nothing else is left", async () => {
    return (await cluster.podNames()).join() === [...left, "somebodyelse-0"].sort().join();
  });
  await eventually("its spool is stored", () => !existsSync(spool));
  const stored = "SELECT category, id, timestamp, type, value FROM events WHERE id = 'pending' AND type = 'count'";
  assert.deepEqual(query(`${site.workdir}/events.db`, stored), [["request", "pending", 1_795_209_837, "count", "2"]]);
  assert.deepEqual([...Deno.readDirSync(killed)].length, 2, "what it hid is its own");
  assert.ok(serve.isAlive);

  const back = await site.giveBack(left);
  assert.equal((await site.settled(back)).status, "complete");
  assert.deepEqual(await cluster.podNames(), ["somebodyelse-0"]);
});

clusterTest("the legacy plug-in can carry on after us, whatever we were in the middle of", async (site) => {
  site.writeTemplates({
    small: { apiVersion: "v1", kind: "Pod", spec: { containers: [{ name: "symphony", image: "symphony:1" }] } },
  });
  await site.request(2, { id: "pending" });
  const theirs = legacyPlugin(site.workdir);
  assert.deepEqual(theirs.toCreate().map(({ machine }) => machine), machinesOf("pending", 2));
  assert.equal(theirs.toCreate()[0]?.pod.spec.containers[0].image, "symphony:1");
  assert.equal(theirs.status("pending"), "running");

  const serve = site.serve();
  await site.allRunning("pending");
  await site.request(2, { id: "partly" });
  await site.allRunning("partly");
  await site.giveBack(["partly-0"]);
  await eventually("the first is gone", async () => !(await site.cluster.podNames()).includes("partly-0"));
  await eventually("it is known to be", () => theirs.machine("partly-0").state === "deleted");
  assert.equal(await serve.stop(), 0);
  await site.request(1, { id: "fresh" });
  const back = await site.giveBack(["pending-0", "partly-1"]);

  assert.deepEqual(theirs.toCreate().map(({ machine }) => machine), ["fresh-0"]);
  assert.deepEqual(theirs.toReturn(), ["partly-1", "pending-0"]);
  assert.equal(theirs.status("pending"), "complete");
  assert.equal(theirs.status("partly"), "complete_with_error", "as it says of each machine that was given back");
  assert.equal(theirs.status(back), "running");
  const pods = await site.cluster.pods();
  for (const machine of ["pending-0", "pending-1", "partly-1"]) {
    const { state, pod } = theirs.machine(machine);
    const { metadata, status } = pods.get(machine) ?? assert.fail(machine);
    assert.equal(state, "running");
    assert.deepEqual(pod, {
      uid: metadata.uid,
      name: machine,
      createdAt: Date.parse(metadata.creationTimestamp ?? "") / 1000,
      address: status?.podIP,
      node: pods.get(machine)?.spec.nodeName,
    });
  }
  assert.deepEqual(theirs.claimed(["pending-0", "partly-0", "fresh-0"]), ["partly-0", "fresh-0"]);
});
