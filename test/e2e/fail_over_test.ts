/** Two management hosts with one provider instance: one serves, the other is its standby, and takes over. */
import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import type { Pod } from "../../src/kube/types.ts";
import type { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";
import { noOtherHost } from "../support/hostname.ts";
import type { Running } from "../support/process.ts";
import { shell } from "../support/shell.ts";
import { machinesOf, type Site } from "../support/site.ts";

type Host = Site & { cluster: Cluster };
type Directories = "shared" | "separate";

/** How long a take-over may take, in seconds; each is more than is promised, for machines that are busy, and less than the next worse. */
const WITHIN = { killed: 20 + 15, stopped: 2 + 8 };

/** What the standby's request-machines watcher is slowed down to, so that there is time to end it half-way. */
const slowly = ["--create-concurrency", "1"];

/** The other management host, with the same work directory or with one of its own. */
function otherHost(site: Host, directories: Directories): Host {
  const shared = directories === "shared" ? { workdir: site.workdir } : {};
  return site.beside({ hostname: "other-host", ...shared }) as Host;
}

/** Starts `serve` where it is to be the standby. */
async function standby(host: Host): Promise<Running> {
  const serve = host.serve();
  await serve.says(/Standby: nothing is changed .*instance 'k8s-hf' is served from /);
  return serve;
}

/** Waits until a `serve` owns the instance. @returns how many seconds that took */
async function owner(serve: Running): Promise<number> {
  const startMs = performance.now();
  await serve.says(/tenure: Owner /);
  return (performance.now() - startMs) / 1_000;
}

/** So many take long enough to create, one after the other, that there is time to end that half-way. */
const MANY = 50;

/** Asks for many machines, and returns once some of them have pods and others have not. */
async function halfCreated(site: Host): Promise<string> {
  const id = await site.request(MANY);
  const isBegun = async () => (await site.cluster.podNames()).filter((name) => name.startsWith(`${id}-`)).length >= 3;
  await eventually("some pods", isBegun, { everyMs: 15 });
  return id;
}

/**
 * Waits until a `serve` owns the instance whose owner has just gone without a word.
 * @returns how many seconds that took, and the pods once what the first had sent has arrived: its lease lasts longer than that
 */
async function takeOver(site: Host, next: Running): Promise<{ seconds: number; before: Map<string, Pod> }> {
  const owned = owner(next);
  await systemClock.sleep(5_000);
  const before = await site.cluster.pods();
  return { seconds: await owned, before };
}

/** What becomes of a request that was being created when its host went, on the one that took over. */
async function takenOver(host: Host, id: string, options: { before: Map<string, Pod>; directories: Directories }) {
  const { before, directories } = options;
  const had = machinesOf(id, MANY).filter((name) => before.has(name));
  assert.ok(had.length < MANY, "it was not half-way");
  const { status, machines } = await host.settled(id);
  const up = machines.filter(({ result }) => result === "succeed");
  // Any process that has the same files goes on; who has not cannot know what was still to be created, and Symphony asks for others.
  assert.equal(status, directories === "shared" ? "complete" : "complete_with_error");
  assert.deepEqual(
    up.map(({ name }) => name).sort(),
    directories === "shared" ? machinesOf(id, MANY).sort() : had.sort(),
  );
  assert.equal(machines.length, MANY);
  for (const { name, machineId } of up) {
    const uid = before.get(name)?.metadata.uid;
    if (uid !== undefined) assert.equal(machineId, uid, `${name} has another pod`);
  }
  const expected = [...new Set([...before.keys(), ...up.map(({ name }) => name)])].sort();
  assert.deepEqual(await host.cluster.podNames(), expected);
}

for (const directories of ["separate", "shared"] as const) {
  const options = { on: ["real"], lacks: directories === "shared" ? noOtherHost : undefined } as const;

  clusterTest(`a standby takes over from a serve that was killed: ${directories} directories`, async (site) => {
    const leader = site.serve(...slowly);
    const whole = await site.request(3);
    const machines = await site.allRunning(whole);
    const other = otherHost(site, directories);
    const next = await standby(other);
    const half = await halfCreated(site);
    await leader.kill();
    const { seconds, before } = await takeOver(site, next);
    assert.ok(seconds <= WITHIN.killed, `it took ${seconds} s`);
    assert.deepEqual((await other.statusOnce(whole, ({ status }) => status === "complete")).machines, machines);
    await takenOver(other, half, { before, directories });
    assert.deepEqual((await other.returnRequests(machinesOf(whole, 3))).requests, []);
  }, options);

  clusterTest(`a serve that is stopped hands over without waiting: ${directories} directories`, async (site) => {
    const leader = site.serve(...slowly);
    const whole = await site.request(2);
    await site.allRunning(whole);
    const other = otherHost(site, directories);
    const next = await standby(other);
    const half = await halfCreated(site);
    leader.signal("SIGTERM");
    const handedOver = owner(next);
    assert.equal(await leader.ended(), 0);
    const before = await site.cluster.pods();
    const seconds = await handedOver;
    assert.ok(seconds <= WITHIN.stopped, `it took ${seconds} s`);
    if (directories === "separate") await takenOver(other, half, { before, directories });

    // The hosts have changed places, and do so again.
    await standby(site);
    await other.allRunning(await other.request(2));
    assert.equal((await other.settled(await other.giveBack([`${whole}-0`]))).status, "complete");
    assert.ok(!(await site.cluster.podNames()).includes(`${whole}-0`));
    assert.equal(await next.stop(), 0);
  }, options);

  clusterTest(`a serve that was paused changes nothing when it wakes: ${directories} directories`, async (site) => {
    const leader = site.serve(...slowly);
    const whole = await site.request(3);
    await site.allRunning(whole);
    const other = otherHost(site, directories);
    const next = await standby(other);
    const half = await halfCreated(site);
    leader.signal("SIGSTOP");
    const { seconds, before } = await takeOver(site, next);
    assert.ok(seconds <= WITHIN.killed, `it took ${seconds} s`);
    await takenOver(other, half, { before, directories });
    // What the paused one is to learn of when it wakes, and must not write down or do something about.
    await other.settled(await other.giveBack([`${whole}-0`]));
    if (directories === "separate") await site.giveBack([`${whole}-1`]);
    const pods = await site.cluster.podMarks();
    const files = () => shell(`cd '${site.workdir}' && find pods pods-status machines -printf '%p %T@ %l\\n' | sort`);
    const written = files();
    leader.signal("SIGCONT");
    await leader.says(/Lease lost: all that is under way is given up/);
    await leader.says(/Standby: nothing is changed .*instance 'k8s-hf' is served from /);
    const after = await site.cluster.podMarks();
    assert.deepEqual(after.filter((pod) => pods.includes(pod)), pods);
    // What had left it when it was paused arrives when it wakes, and is the new owner's.
    const late = after.filter((pod) => !pods.includes(pod));
    assert.ok(late.length <= 2 && late.every((pod) => pod.startsWith(`${half}-`)), `created: ${late}`);
    if (directories === "separate") assert.equal(files(), written);
    assert.ok(leader.isAlive && next.isAlive);
    await other.allRunning(await other.request(1));
    assert.equal(await leader.stop(), 0, leader.stderr);
  }, options);
}

clusterTest("a second serve on another directory is a standby while the first creates many machines", async (site) => {
  const leader = site.serve(...slowly);
  await owner(leader);
  const other = otherHost(site, "separate");
  const id = await site.request(MANY);
  const second = await standby(other);
  // On a quick machine the first may all have been created by now: of these none has.
  const late = await site.request(MANY / 2);
  const machines = [...await site.allRunning(id), ...await site.allRunning(late)];
  const { message, requests } = await other.returnRequests();
  assert.match(message, /is not served now: instance 'k8s-hf' is served from /);
  assert.deepEqual(requests, []);
  assert.deepEqual(
    await site.cluster.podMarks(),
    machines.map(({ name, machineId }) => `${name} ${machineId} `).sort(),
  );
  assert.deepEqual(other.entries("requests"), []);
  assert.equal(await second.stop(), 0);
}, { on: ["real"], lacks: noOtherHost });
