/** The lease by which an instance has one owner: deleted, stolen, not granted. */
import assert from "node:assert/strict";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";
import { noOtherHost } from "../support/hostname.ts";
import { InstanceLease } from "../support/lease.ts";
import { machinesOf } from "../support/site.ts";

clusterTest("a lease that is deleted while machines are created costs none of them", async (site) => {
  const lease = new InstanceLease(site.cluster);
  const leader = site.serve("--create-concurrency", "1");
  const other = site.beside({ hostname: "other-host" });
  await leader.says(/tenure: Owner /);
  const standby = other.serve();
  await standby.says(/Standby: nothing is changed/);
  const id = await site.request(60);
  await eventually("some pods", async () => (await site.cluster.podNames()).length >= 5, { everyMs: 15 });
  await lease.delete();
  const before = await site.cluster.podMarks();
  await leader.says(/Lease lost: all that is under way is given up/);
  const owner = await eventually("an owner", async () => {
    const { metadata: { annotations = {} } } = await lease.get();
    const place = annotations["symphony/hostfactory-place"];
    return [site, other].find(({ workdir }) => place?.endsWith(`:${workdir}`));
  });
  // On the other host it is not known which machines were still to be created.
  const { status, machines } = await owner.settled(id);
  assert.equal(status, owner === site ? "complete" : "complete_with_error");
  const after = await site.cluster.podMarks();
  for (const mark of before) assert.ok(after.includes(mark), `${mark} was destroyed`);
  const up = machines.filter(({ result }) => result === "succeed").map(({ name }) => name);
  assert.deepEqual(up.sort(), await site.cluster.podNames());
  await owner.allRunning(await owner.request(1));
  assert.ok(leader.isAlive && standby.isAlive);
}, { on: ["real"], lacks: noOtherHost });

clusterTest(
  "while the lease is somebody else's nothing is created, and it is taken when it has expired",
  async (site) => {
    const serve = site.serve();
    const id = await site.request(2);
    await site.allRunning(id);
    const before = await site.cluster.podMarks();
    const isOwnerAgain = () => serve.stderr.match(/tenure: Owner /g)?.length === 2;
    await new InstanceLease(site.cluster).giveTo("thief");
    await serve.says(/Lease lost: all that is under way is given up holder=thief/);
    const late = await site.request(1);
    await site.giveBack([`${id}-0`]);
    await eventually("it is the owner again", async () => {
      const marks = await site.cluster.podMarks();
      if (!isOwnerAgain()) assert.deepEqual(marks, before);
      return isOwnerAgain();
    }, { everyMs: 300 });
    assert.match(serve.stderr, /Standby: nothing is changed .*instance 'k8s-hf' is served from thief/);
    await site.allRunning(late);
    await eventually("what was given back meanwhile goes", async () => {
      return (await site.cluster.podNames()).join() === [`${id}-1`, `${late}-0`].sort().join();
    });
  },
  { on: ["real"] },
);

clusterTest(
  "without leases another directory's pods are left alone, until they are taken over on purpose",
  async (site) => {
    await site.cluster.withdraw("leases");
    const first = site.serve();
    await first.says(/Serving without a lease: .*scripts\/rbac\/role\.yaml/);
    const id = await site.request(3);
    const machines = await site.allRunning(id);
    const before = await site.cluster.podMarks();
    const other = site.beside();
    const second = other.serve();
    const own = await other.request(1);
    await other.allRunning(own);
    assert.deepEqual((await other.returnRequests()).requests, []);
    assert.deepEqual(other.entries("requests"), [own]);
    const left = (await site.cluster.podMarks()).filter((mark) => !mark.startsWith(own));
    assert.deepEqual(left, before);
    assert.deepEqual((await site.returnRequests()).requests, []);

    await first.stop();
    await second.stop();
    const rebuilt = async (...args: string[]) => {
      const { code, stdout, stderr } = await other.run(["rebuild", ...args]);
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout).requests.map(({ requestId }: { requestId: string }) => requestId);
    };
    assert.deepEqual(await rebuilt(), []);
    assert.deepEqual(await rebuilt("--take-over"), [id]);
    assert.deepEqual((await other.status(id)).machines, machines);
    other.serve();
    assert.equal((await other.settled(await other.giveBack(machinesOf(id, 3)))).status, "complete");
    assert.deepEqual(await site.cluster.podNames(), [`${own}-0`]);
  },
  { on: ["real"] },
);
