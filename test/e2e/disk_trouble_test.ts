/** A full disk, one that is read-only, no inodes, no descriptors, no permission: a true answer at once, and recovery. */
import assert from "node:assert/strict";
import { eventually } from "../support/deadline.ts";
import { clusterTest, siteTest } from "../support/e2e.ts";
import { NOBODY, noOrdinaryUser } from "../support/ordinary_user.ts";
import { shell } from "../support/shell.ts";
import { machinesOf, type Script, type Site } from "../support/site.ts";
import { noLimits, noSmallDisk, SmallDisk } from "../support/small_disk.ts";

const machines = { template: { templateId: "small", machineCount: 3 } };

/** What takes on work is refused, saying why, and leaves nothing behind. */
async function refused(site: Site, id: string, says: RegExp): Promise<void> {
  const before = [site.entries("requests"), site.entries("return-requests")];
  const asked: [Script, unknown][] = [
    ["requestMachines", machines],
    ["requestReturnMachines", { machines: [{ name: `${id}-1` }] }],
  ];
  for (const [script, input] of asked) {
    const startedMs = performance.now();
    const { code, answer } = await site.ask(script, { input });
    assert.ok(performance.now() - startedMs < 10_000);
    assert.equal(code, 1, script);
    assert.equal(answer.requestId, "");
    assert.match(answer.message, says);
  }
  assert.deepEqual([site.entries("requests"), site.entries("return-requests")], before);
}

const shortages: [what: string, options: string, fill: (disk: SmallDisk) => void][] = [
  ["full", "size=2m", (disk) => disk.fill()],
  ["out of inodes", "nr_inodes=300", (disk) => disk.fillInodes()],
];
for (const [what, options, fill] of shortages) {
  clusterTest(
    `a disk that is ${what} is lived through: verbs say so at once, and serve goes on when there is room`,
    async (site) => {
      using disk = new SmallDisk(site.workdir, options);
      const serve = site.serve();
      const id = await site.request(3);
      await site.allRunning(id);
      // A batch that is stored makes room when it is removed.
      await eventually("all events are stored", () => site.entries("events").length === 0);
      fill(disk);
      await refused(site, id, /No space left/);
      assert.equal((await site.status(id)).status, "complete");
      assert.deepEqual((await site.returnRequests()).requests, [], "nothing is said that is not known");
      await site.cluster.deletePod(`${id}-0`);
      await eventually("the pod is gone", async () => (await site.cluster.podNames()).length === 2);
      await serve.says(/No space left/);

      disk.free();
      await eventually("the machine that went is named", async () => {
        return (await site.returnRequests()).requests.map(({ machine }) => machine).join() === `${id}-0`;
      });
      const later = await site.request(2);
      await site.allRunning(later);
      await site.settled(await site.giveBack([`${id}-1`, `${id}-2`, ...machinesOf(later, 2)]));
      assert.deepEqual(await site.cluster.podNames(), []);
      assert.ok(serve.isAlive);
      assert.deepEqual(site.entries("set-aside"), [], "no entry is to blame");
      await serve.stop();
    },
    { lacks: noSmallDisk },
  );
}

siteTest(
  "a read-only disk: what is known is answered, what cannot be written is refused, until it can",
  async (site) => {
    using disk = new SmallDisk(site.workdir, "size=2m");
    const id = await site.request(3);
    disk.remount("ro");
    await refused(site, id, /Read-only file system/);
    assert.equal((await site.status(id)).status, "running");
    assert.deepEqual((await site.returnRequests()).requests, []);
    const serve = await site.run(["serve"]);
    assert.equal(serve.code, 1, "there is nothing to serve");
    assert.match(serve.stderr, /^hostfactory: Cannot .*make the work directory writable/);
    disk.remount("rw");
    await site.request(1);
  },
  { lacks: noSmallDisk },
);

siteTest(
  "a work directory on a full disk that was never used: said at once, and nothing of it is left",
  async (site) => {
    using disk = new SmallDisk(site.workdir, "nr_inodes=8");
    disk.fillInodes();
    const { code, answer } = await site.ask("requestMachines", { input: machines });
    assert.equal(code, 1);
    assert.match(answer.message, /Cannot use the work directory .*No space left/);
    disk.free();
    disk.remount("rw");
  },
  { lacks: noSmallDisk },
);

clusterTest("serve that is out of descriptors goes on once there are some", async (site) => {
  const serve = site.serve();
  const first = await site.request(1);
  await site.allRunning(first);
  shell(`prlimit --pid ${serve.pid} --nofile=3:`); // Those that are open stay so.
  const second = await site.request(2);
  await serve.says(/Too many open files/);
  assert.equal((await site.status(second)).status, "running");
  shell(`prlimit --pid ${serve.pid} --nofile=1024:`);
  await site.allRunning(second);
  assert.ok(serve.isAlive);
  assert.deepEqual((await site.cluster.podNames()).sort(), [...machinesOf(first, 1), ...machinesOf(second, 2)].sort());
}, { lacks: noLimits });

siteTest("without permission to write, what is known is answered, and nothing else is pretended", async (site) => {
  site.become(NOBODY);
  const id = await site.request(2);
  shell(`chmod -R u-w '${site.workdir}'`);
  await refused(site, id, /Permission denied/);
  assert.equal((await site.status(id)).status, "running");
  Deno.chmodSync(`${site.workdir}/requests/${id}`, 0o000);
  const { status, message } = await site.status(id);
  assert.equal(status, "running", "nothing is said that would make Symphony drop machines");
  assert.match(message, /Permission denied/);
  Deno.chmodSync(`${site.workdir}/requests`, 0o000);
  assert.equal((await site.status(id)).status, "running");
  Deno.chmodSync(`${site.confdir}/k8sprov_templates.json`, 0o000);
  const { answer } = await site.ask("getAvailableTemplates");
  assert.match(answer.message, /k8sprov_templates\.json.*Permission denied/);
}, { lacks: noOrdinaryUser });

clusterTest("serve that may not write or read goes on once it may", async (site) => {
  site.become(NOBODY);
  const serve = site.serve();
  await site.allRunning(await site.request(1));
  for (const [path, mode] of [["pods", 0o500], ["requests", 0o000], ["pods-status", 0o500]] as const) {
    serve.signal("SIGSTOP"); // It is to meet the request with the trouble.
    const id = await site.request(1);
    Deno.chmodSync(`${site.workdir}/${path}`, mode);
    const said = serve.stderr.length;
    serve.signal("SIGCONT");
    await eventually("serve says so", () => serve.stderr.slice(said).includes("Permission denied"));
    Deno.chmodSync(`${site.workdir}/${path}`, 0o755);
    await site.allRunning(id);
  }
  assert.ok(serve.isAlive);
  assert.equal((await site.cluster.podNames()).length, 4);
}, { lacks: noOrdinaryUser });
