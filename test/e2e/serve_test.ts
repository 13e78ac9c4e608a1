/** What the daemon lives through: kills, restarts, another one beside it, a cluster that is away. */
import assert from "node:assert/strict";
import { eventually } from "../support/deadline.ts";
import { clusterTest, siteTest } from "../support/e2e.ts";
import { machinesOf, type Site } from "../support/site.ts";
import type { Cluster } from "../support/cluster.ts";

type OnCluster = Site & { cluster: Cluster };

/** So many take long enough, one after the other, that there is time to end that half-way. */
const MANY = 50;

clusterTest("serve killed while it creates many machines loses none and doubles none", async (site) => {
  const { id, all } = await killedWhileCreating(site);
  assert.equal((await site.status(id)).status, "running");
  const half = (await site.cluster.podNames()).length;
  const second = site.serve("--create-concurrency", "1");
  await eventually("some more pods", async () => (await site.cluster.podNames()).length > half, { everyMs: 15 });
  await second.kill();
  site.serve();
  const machines = await site.allRunning(id);
  assert.deepEqual(machines.map(({ name }) => name), machinesOf(id, MANY));
  assert.equal(new Set(machines.map(({ machineId }) => machineId)).size, MANY);
  assert.deepEqual(await site.cluster.podNames(), all.flatMap((one) => machinesOf(one, MANY)).sort());
  assert.deepEqual((await site.returnRequests()).requests, []);
});

/** A request for many machines of which some have pods and others do not; and all requests that it took to get there. */
async function killedWhileCreating(site: OnCluster): Promise<{ id: string; all: string[] }> {
  const all: string[] = [];
  while (true) {
    const serve = site.serve("--create-concurrency", "1");
    const id = await site.request(MANY);
    all.push(id);
    const created = async () => (await site.cluster.podNames()).filter((name) => name.startsWith(`${id}-`)).length;
    await eventually("some pods", async () => await created() >= 5, { everyMs: 15 });
    await serve.kill();
    if (await created() < MANY) return { id, all };
    assert.ok(all.length < 5, "the kill never came in the middle");
  }
}

clusterTest("serve killed while it deletes many machines leaves none behind", async (site) => {
  const { id, returned, kept } = await killedWhileDeleting(site);
  assert.equal((await site.status(returned)).status, "running");
  assert.ok(!site.entries(`return-requests/${returned}`).includes(".processed"), "not before all are gone");

  site.serve();
  const { status, machines } = await site.settled(returned);
  assert.deepEqual([status, machines.length], ["complete", MANY - 1]);
  assert.ok(machines.every(({ name }) => machinesOf(id, MANY - 1).includes(name)));
  assert.deepEqual(await site.cluster.podNames(), kept);
  await eventually(".processed", () => site.entries(`return-requests/${returned}`).includes(".processed"));
});

/**
 * A return request for all machines of a request but the last, of which some pods were asked to go and others were not; and
 * the machines that stay, one of each request that it took to get there.
 */
async function killedWhileDeleting(site: OnCluster): Promise<{ id: string; returned: string; kept: string[] }> {
  const kept: string[] = [];
  let tooLate: string | undefined;
  while (true) {
    const creating = site.serve();
    const id = await site.request(MANY);
    await site.allRunning(id);
    if (tooLate !== undefined) await site.settled(tooLate);
    await creating.stop();
    kept.push(`${id}-${MANY - 1}`);
    const serve = site.serve("--create-concurrency", "1");
    const returned = await site.giveBack(machinesOf(id, MANY - 1));
    const stay = async () => {
      const pods = [...(await site.cluster.pods()).values()];
      return pods.filter(({ metadata: { name = "", deletionTimestamp } }) =>
        name.startsWith(`${id}-`) && deletionTimestamp === undefined
      ).length;
    };
    await eventually("some pods that are going", async () => await stay() < MANY, { everyMs: 15 });
    await serve.kill();
    if (await stay() > 1) return { id, returned, kept: kept.sort() };
    assert.ok(kept.length < 5, "the kill never came in the middle");
    tooLate = returned;
  }
}

clusterTest("what happened while nobody watched is caught up with", async (site) => {
  const first = site.serve();
  const id = await site.request(3);
  await site.allRunning(id);
  assert.equal(await first.stop(), 0);
  await site.cluster.deletePod(`${id}-1`);
  await eventually("the pod is gone", async () => (await site.cluster.podNames()).length === 2);
  assert.deepEqual((await site.returnRequests()).requests, [], "the files do not say so yet");
  const other = await site.request(1);
  const returned = await site.giveBack([`${id}-0`]);

  site.serve();
  await site.allRunning(other);
  await site.settled(returned);
  await eventually("it is named", async () => {
    return (await site.returnRequests()).requests.map(({ machine }) => machine).join() === `${id}-1`;
  });
  assert.deepEqual(await site.cluster.podNames(), [`${id}-2`, `${other}-0`].sort());
});

clusterTest("SIGTERM ends serve within 10 s with status 0, and the next one goes on", async (site) => {
  const first = site.serve("--create-concurrency", "4");
  const id = await site.request(MANY);
  await eventually("some pods", async () => (await site.cluster.podNames()).length >= 5, { everyMs: 15 });
  const startedAt = performance.now();
  assert.equal(await first.stop(), 0, first.stderr);
  assert.ok(performance.now() - startedAt < 10_000);
  assert.equal(first.stdout, "", "standard output is the verbs'");

  site.serve();
  await site.allRunning(id);
  assert.equal((await site.cluster.podNames()).length, MANY);
});

clusterTest("a second process on a work directory is a standby, and says for whom; or ends with 3", async (site) => {
  const first = site.serve();
  await first.says(/Watching/);
  const standbys = [["serve"], ["watch", "pods"], ["run-cron"]].map((command) => site.start(command));
  for (const standby of standbys) {
    await standby.says(
      new RegExp(`Standby: nothing is changed .*instance 'k8s-hf' is served from \\S+:${site.workdir}`),
    );
  }
  const { code, stderr, stdout } = await site.run(["run-cron", "--run-once"]);
  assert.equal(stderr.match(/is served from/g)?.length, 1, stderr); // The same trouble is said once.
  assert.equal(code, 3, stderr);
  assert.equal(stdout, "");
  assert.match(stderr, new RegExp(`Cannot change '${site.workdir}' now: instance 'k8s-hf' is served from `));
  assert.doesNotMatch(stderr, /another --workdir/);
  for (const standby of standbys) assert.equal(await standby.stop(), 0, standby.stderr);
  await first.kill();
  const next = site.serve();
  await next.says(/Watching/);
  assert.ok(next.isAlive, "a lock dies with its holder");
});

clusterTest(
  "processes of their own for each watcher are swapped for serve, and back, on a live directory",
  async (site) => {
    const alone = () =>
      ["request-machines", "request-return-machines", "pods"].map((name) => site.start(["watch", name]));
    const three = alone();
    const id = await site.request(4);
    await site.allRunning(id);
    const returned = await site.giveBack([`${id}-0`]);
    await site.settled(returned);
    const late = await site.request(5);
    assert.deepEqual(await Promise.all(three.map((one) => one.stop())), [0, 0, 0]);

    const serve = site.serve();
    await site.allRunning(late);
    await site.settled(await site.giveBack([`${id}-1`, `${late}-0`]));
    assert.equal(await serve.stop(), 0);

    alone();
    await site.settled(await site.giveBack([...machinesOf(id, 4), ...machinesOf(late, 5)]));
    assert.deepEqual(await site.cluster.podNames(), []);
    for (const request of [id, late]) {
      const { status, machines } = await site.status(request);
      assert.equal(status, "complete");
      for (const machine of machines) assert.equal(machine.status, "terminated");
    }
  },
);

clusterTest("serve lives through a server that is not there, and recovers with a new kubeconfig", async (site) => {
  const nobody = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = nobody.addr as Deno.NetAddr;
  nobody.close();
  site.write("kubeconfig", site.cluster.kubeconfig({ server: `https://127.0.0.1:${port}` }));
  const serve = site.serve();
  const id = await site.request(2);
  await serve.says(new RegExp(`127\\.0\\.0\\.1:${port}`));
  assert.equal((await site.status(id)).status, "running");
  const { requests, message } = await site.returnRequests();
  assert.deepEqual(requests, []);
  assert.match(message, /not been listed yet/);

  site.write("kubeconfig", site.cluster.kubeconfig());
  await site.allRunning(id);
  assert.ok(serve.isAlive);
  assert.doesNotMatch(serve.stderr, /^\s+at /m, "no stack traces in the log");
});

clusterTest("serve says in one sentence which kubeconfig is missing, and goes on once it is there", async (site) => {
  Deno.removeSync(`${site.directory}/kubeconfig`);
  const serve = site.serve();
  const id = await site.request(1);
  await serve.says(new RegExp(`${site.directory}/kubeconfig`));
  site.write("kubeconfig", "{");
  await eventually("a complaint about what is in it", () => {
    return serve.stderr.split("\n").filter((line) => line.includes("/kubeconfig")).length > 1;
  });
  site.write("kubeconfig", site.cluster.kubeconfig());
  await site.allRunning(id);
  assert.doesNotMatch(serve.stderr, /^\s+at /m, "no stack traces in the log");
});

clusterTest("no machine is said to be taken away once nobody has watched for long", async (site) => {
  const serve = site.serve();
  const id = await site.request(2);
  await site.allRunning(id);
  await site.cluster.deletePod(`${id}-0`);
  await eventually("it is named", async () => (await site.returnRequests()).requests.length === 1);
  await serve.stop();
  assert.equal((await site.returnRequests()).requests.length, 1, "a moment ago is not long ago");

  age(site, 600);
  const { requests, message } = await site.returnRequests();
  assert.deepEqual(requests, []);
  assert.match(message, /last heard from 6\d\d s ago/);
  assert.equal((await site.status(id)).status, "complete_with_error", "what is known stays known");
});

/** Makes the view of the pods so many seconds older. */
function age(site: Site, seconds: number): void {
  const path = `${site.workdir}/views/pods.json`;
  const view = JSON.parse(Deno.readTextFileSync(path));
  Deno.writeTextFileSync(path, JSON.stringify({ ...view, heardAt: view.heardAt - seconds }));
}

siteTest("a wrong command line of serve is said in one line, with exit status 2", async (site) => {
  for (const args of [["serve", "--nonsense"], ["serve", "--create-concurrency", "0"], ["watch", "nothing"]]) {
    const { code, stdout, stderr } = await site.run(args);
    assert.equal(code, 2, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, /^hostfactory: .+\n$/);
  }
});
