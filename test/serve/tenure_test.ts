import assert from "node:assert/strict";
import { KubeError } from "../../src/kube/errors.ts";
import { LEASE_SECONDS, LeaseAnnotation, TERM_MS } from "../../src/kube/lease.ts";
import { seededRandom } from "../../src/random.ts";
import { DirectoryLocks } from "../../src/serve/directory_locks.ts";
import { Fence } from "../../src/serve/fence.ts";
import { Tenure, type Terms } from "../../src/serve/tenure.ts";
import { readIdentity } from "../../src/workdir/identity.ts";
import { readHolder } from "../../src/workdir/store/lock_holder.ts";
import { isOutdated, markTaken } from "../../src/workdir/outdated_requests.ts";
import { addRequest, markProcessed } from "../../src/workdir/requests.ts";
import { Workdir } from "../../src/workdir/store/workdir.ts";
import { atOnce } from "../support/at_once.ts";
import { FakeKube } from "../support/fake_kube.ts";
import { MemoryFiles } from "../support/memory_files.ts";
import { MemoryLocks } from "../support/memory_locks.ts";
import { settled, SimulatedClock } from "../support/simulated_clock.ts";

const LEASE = "hostfactory-grid";
const WATCHERS = ["pods", "expiry"];

const NOT_GRANTED =
  'leases "x" is forbidden: User "u" cannot update resource "leases" in API group "coordination.k8s.io"';

/** A process that may become the owner of an instance and its work directory. */
interface Player {
  fence: Fence;
  tenure: Tenure;
  workdir: Workdir;
  terms: Terms | undefined;
  lost: boolean;
  stop: () => Promise<void>;
  /** Begins again, as it has lost what it owned. */
  beginAgain: () => Promise<void>;
  /** It does nothing any more, and lets go of nothing but what the system takes from it. */
  kill: () => void;
  /** Its calls come to nothing, and no time passes for it, until it is woken. */
  pause: () => () => void;
}

interface PlayerOptions {
  host?: string;
  root?: string;
  watchers?: string[];
  instance?: string;
}

/** It may change things, and has the lease. */
function owns({ fence, terms }: Player): boolean {
  return fence.isOpen && terms?.isLeased === true;
}

/** One cluster, one file server, and processes on hosts that share both. */
function world() {
  const clock = new SimulatedClock();
  const kube = new FakeKube(clock);
  const files = new MemoryFiles({ now: () => clock.now() });
  const locks = new MemoryLocks();
  let seed = 0;
  const start = (options: PlayerOptions = {}): Player => {
    const { host = "a", root = "/work", watchers = WATCHERS, instance = "grid" } = options;
    if (!files.list("/").some(({ name }) => `/${name}` === root)) files.makeDirectory(root);
    let isPaused = false;
    let isDead = false;
    const gone = () => new Promise<never>(() => {});
    const own = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      sleep: async (ms: number, signal?: AbortSignal) => {
        await clock.sleep(ms, signal);
        while (isPaused) await clock.sleep(10);
        if (isDead) await gone();
      },
    };
    const call = <T>(act: () => Promise<T>) => isDead ? gone() : isPaused ? gone() : act();
    const ownKube: Pick<FakeKube, "getLease" | "createLease" | "updateLease"> = {
      getLease: (name, options) => call(() => kube.getLease(name, options)),
      createLease: (lease, options) => call(() => kube.createLease(lease, options)),
      updateLease: (lease, options) => call(() => kube.updateLease(lease, options)),
    };
    const random = seededRandom(++seed);
    const workdir = new Workdir(root, { files, random });
    const holder = { host, pid: seed, command: "hostfactory serve", since: "then" };
    const processLocks = locks.process();
    const fence = new Fence(own);
    const directoryLocks = new DirectoryLocks({ workdir, locks: processLocks, watchers, holder });
    const tenure = new Tenure({
      workdir,
      kube: ownKube,
      clock: own,
      random,
      locks: directoryLocks,
      fence,
      holder,
      instance,
      isShared: watchers !== WATCHERS,
      refusal: () => undefined,
    });
    const stopping = new AbortController();
    const player: Player = {
      fence,
      tenure,
      workdir,
      terms: undefined,
      lost: false,
      stop: async () => {
        stopping.abort();
        await clock.runWhile(tenure.end());
      },
      beginAgain: async () => {
        player.terms = undefined;
        await clock.runWhile(tenure.pause());
        begin();
      },
      kill: () => {
        isDead = true;
        fence.close();
        processLocks.kill();
      },
      pause: () => {
        isPaused = true;
        return () => void (isPaused = false);
      },
    };
    const begin = () => {
      const begun = tenure.begin(stopping.signal, { lost: () => player.lost = true, mayThrow: true });
      void begun.then((terms) => player.terms = terms, (error) => {
        if (!isDead) throw error;
      });
    };
    begin();
    return player;
  };
  const pass = async (seconds: number) => await clock.advance(seconds * 1000);
  return { clock, kube, files, start, pass };
}

Deno.test("the first process owns instance and directory, and goes on for as long as it renews the lease", async () => {
  const { start, pass, kube } = world();
  const a = start();
  await pass(1);
  assert.deepEqual(a.terms, { identity: readIdentity(a.workdir), isLeased: true });
  for (let minute = 0; minute < 5; minute++) {
    assert.ok(a.fence.isOpen);
    await pass(60);
  }
  const renewals = kube.named("updateLease").length;
  assert.ok(renewals > 100 && renewals < 200, `a call every two seconds: ${renewals}`);
  await a.stop();
  assert.ok(!a.fence.isOpen);
  assert.equal(kube.leases.get(LEASE)?.spec?.holderIdentity, "");
});

for (const [where, options] of [["the same", {}], ["another", { root: "/other" }]] as const) {
  const second = { host: "b", ...options };

  Deno.test(`a second process on ${where} directory changes nothing, and takes over within two seconds when the first stops`, async () => {
    const { start, pass } = world();
    const a = start();
    await pass(1);
    const b = start(second);
    await pass(300);
    assert.ok(owns(a) && !owns(b));
    await a.stop();
    await pass(2);
    assert.ok(owns(b));
  });

  Deno.test(`a second process on ${where} directory takes over within 17 s when the first is killed`, async () => {
    const { start, pass } = world();
    const a = start();
    await pass(1);
    const b = start(second);
    await pass(30);
    a.kill();
    await pass(LEASE_SECONDS - 3);
    assert.ok(!b.fence.isOpen);
    await pass(5);
    assert.ok(owns(b));
  });

  Deno.test(`of two processes on ${where} directory, one that is paused changes nothing when it wakes`, async () => {
    const { start, pass } = world();
    const a = start();
    await pass(1);
    const b = start(second);
    await pass(30);
    const wake = a.pause();
    await pass(TERM_MS / 1000);
    assert.ok(!a.fence.isOpen && !b.fence.isOpen, "one stops before the other begins");
    await pass(10);
    assert.ok(!a.fence.isOpen && b.fence.isOpen);
    wake();
    await pass(5);
    assert.ok(!a.fence.isOpen && b.fence.isOpen);
    assert.ok(!b.lost);
  });
}

Deno.test("whoever is started after a kill -9 on its own host does not wait for the lease of the dead", async () => {
  const { start, pass } = world();
  start().kill();
  await pass(1);
  const a = start();
  await pass(5);
  a.kill();
  const next = start();
  await pass(1);
  assert.ok(next.fence.isOpen);
});

Deno.test("a directory that moves to another host waits for the lease of the one before", async () => {
  const { start, pass } = world();
  const a = start({ host: "a" });
  await pass(5);
  a.kill();
  const b = start({ host: "b" });
  await pass(LEASE_SECONDS - 1);
  assert.ok(!b.fence.isOpen, "its locks may be worth nothing there");
  await pass(3);
  assert.ok(b.fence.isOpen);
});

Deno.test("watchers that run alone share the lease of their directory", async () => {
  const { start, pass, kube } = world();
  const [pods, expiry] = [start({ watchers: ["pods"] }), start({ watchers: ["expiry"] })];
  const other = start({ host: "b", root: "/other" });
  await pass(60);
  assert.ok(pods.fence.isOpen && expiry.fence.isOpen && !other.fence.isOpen);
  await pods.stop();
  await pass(60);
  assert.ok(expiry.fence.isOpen && !other.fence.isOpen, "one that stops lets go of nothing");
  await expiry.stop();
  assert.notEqual(kube.leases.get(LEASE)?.spec?.holderIdentity, "");
  await pass(LEASE_SECONDS + 2);
  assert.ok(other.fence.isOpen);
});

Deno.test("serve and watchers that run alone follow each other on one host without waiting", async () => {
  const { start, pass } = world();
  const serve = start();
  await pass(5);
  await serve.stop();
  const alone = WATCHERS.map((watcher) => start({ watchers: [watcher] }));
  await pass(1);
  assert.ok(alone.every(({ fence }) => fence.isOpen));
  for (const one of alone) await one.stop();
  const again = start();
  await pass(1);
  assert.ok(again.fence.isOpen);
});

Deno.test("the API server is away: nothing is changed after a term, and all goes on when it is back", async () => {
  const { start, pass, kube } = world();
  const a = start();
  await pass(5);
  for (const call of ["getLease", "updateLease"] as const) kube.fail(call, new KubeError("unavailable", "away"));
  await pass(3);
  assert.ok(a.fence.isOpen);
  assert.match(a.tenure.trouble ?? "", /^the lease cannot be renewed: away/);
  await pass(9);
  assert.ok(!a.fence.isOpen);
  kube.recover();
  await pass(2);
  assert.ok(a.fence.isOpen && !a.lost);
  assert.equal(a.tenure.trouble, undefined);
});

Deno.test("a lease that is deleted, or that somebody takes, ends the tenure; it begins again once the lease is free", async () => {
  const { start, pass, kube } = world();
  const a = start();
  await pass(5);
  kube.leases.clear();
  await pass(2);
  assert.ok(a.lost && !a.fence.isOpen);
  await a.stop();

  const b = start();
  await pass(5);
  const { spec, metadata } = kube.leases.get(LEASE)!;
  kube.putLease({ metadata, spec: { ...spec, holderIdentity: "thief" } });
  await pass(2);
  assert.ok(b.lost && !b.fence.isOpen);
  await b.tenure.pause();
  const begin = b.tenure.begin(new AbortController().signal, { lost: () => {}, mayThrow: false });
  await pass(LEASE_SECONDS - 3);
  assert.ok(!b.fence.isOpen);
  await pass(5);
  assert.ok((await begin)?.isLeased && b.fence.isOpen);
});

Deno.test("leases that are not granted are done without, and with from the minute on in which they are", async () => {
  const { start, pass, kube } = world();
  const refused = new KubeError("unauthorised", NOT_GRANTED);
  kube.fail("getLease", refused);
  const a = start();
  await pass(1);
  assert.ok(a.fence.isOpen && a.terms?.isLeased === false);
  const b = start({ host: "b" });
  await pass(100);
  assert.ok(!b.fence.isOpen, "the lock of the directory is kept all the same");
  kube.recover();
  await pass(61);
  assert.ok(a.lost && !a.fence.isOpen);
  await a.beginAgain();
  await pass(20);
  assert.ok(owns(a) !== owns(b), "whichever has the lease gets the directory");
});

Deno.test("to lose the right to leases is no reason to go on without", async () => {
  const { start, pass, kube } = world();
  const a = start();
  await pass(5);
  for (const call of ["getLease", "updateLease"] as const) {
    kube.fail(call, new KubeError("unauthorised", NOT_GRANTED));
  }
  await pass(120);
  assert.ok(!a.fence.isOpen);
});

Deno.test("a process that holds the lock and asks for no lease is never pushed aside", async () => {
  const { start, pass, kube } = world();
  kube.fail("getLease", new KubeError("unauthorised", NOT_GRANTED), { times: 1 });
  const a = start();
  await pass(1);
  assert.equal(a.terms?.isLeased, false);
  kube.recover();
  const b = start({ host: "b" });
  await pass(40);
  assert.ok(a.fence.isOpen && !b.fence.isOpen);
  a.kill();
  await pass(3);
  assert.ok(b.fence.isOpen);
});

Deno.test("the lease of one instance takes no directory from a process that serves another", async () => {
  const { start, pass } = world();
  const a = start();
  await pass(1);
  const b = start({ host: "b", instance: "other" });
  await pass(40);
  assert.ok(owns(a) && !b.fence.isOpen);
  await b.stop();
  await pass(1);
  const elsewhere = start({ host: "c", root: "/other", instance: "other" });
  await pass(1);
  assert.ok(owns(elsewhere), "nor does it keep the lease from those whose instance it is");
});

Deno.test("what another directory did meanwhile makes requests outdated that this one had taken up, and no new ones", async () => {
  const { clock, start, pass } = world();
  const a = start();
  await pass(5);
  const requestedAt = () => Math.floor(clock.now() / 1000);
  const manifest = "{}";
  for (const id of ["taken", "finished"]) {
    await addRequest(a.workdir, { id, templateId: "T", count: 1, requestedAt: requestedAt(), manifest }, atOnce);
    markTaken(a.workdir, id);
  }
  await markProcessed(a.workdir, "finished");
  const b = start({ host: "b", root: "/other" });
  await pass(5);
  a.kill();
  await pass(20);
  assert.ok(b.fence.isOpen);
  await addRequest(a.workdir, { id: "old", templateId: "T", count: 1, requestedAt: requestedAt(), manifest }, atOnce);
  await pass(1_000);
  await addRequest(a.workdir, { id: "fresh", templateId: "T", count: 1, requestedAt: requestedAt(), manifest }, atOnce);
  await b.stop();
  const again = start();
  await pass(5);
  assert.ok(again.fence.isOpen);
  const outdated = ["taken", "finished", "old", "fresh"].filter((id) => isOutdated(again.workdir, id));
  assert.deepEqual(outdated, ["taken", "old"]);
  assert.deepEqual(again.terms?.identity.takenOver, [readIdentity(b.workdir)?.id]);
});

Deno.test("requests that a shared directory had taken up stay what they are, whichever host serves it", async () => {
  const { clock, start, pass } = world();
  const a = start({ host: "a" });
  await pass(5);
  await addRequest(a.workdir, {
    id: "taken",
    templateId: "T",
    count: 1,
    requestedAt: clock.now() / 1000,
    manifest: "{}",
  }, atOnce);
  markTaken(a.workdir, "taken");
  const b = start({ host: "b" });
  a.kill();
  await pass(20);
  assert.ok(b.fence.isOpen && !isOutdated(b.workdir, "taken"));
});

Deno.test("a standby says in a directory of its own why it does not serve, and who does", async () => {
  const { clock, start, pass } = world();
  start({ host: "a" });
  await pass(5);
  const b = start({ host: "b", root: "/other" });
  await pass(5);
  const holder = readHolder(b.workdir, "pods");
  assert.equal(holder?.standby, "instance 'grid' is served from a:/work");
  assert.ok(Math.abs(Date.parse(holder?.seenAt ?? "") - clock.now()) < 10_000);
  await addRequest(
    b.workdir,
    { id: "own", templateId: "T", count: 1, requestedAt: clock.now() / 1000, manifest: "{}" },
    atOnce,
  );
  await pass(30);
  assert.doesNotMatch(readHolder(b.workdir, "pods")?.standby ?? "", /two sites/, "a fail-over takes a moment");
  await pass(20);
  assert.match(readHolder(b.workdir, "pods")?.standby ?? "", /^two sites have the instance name 'grid'.*--instance/);
});

Deno.test("who cannot ask for the lease says so in the directory, unless another host may be serving that", async () => {
  for (const [host, standby] of [["a", "the lease cannot be asked for: away"], ["b", undefined]] as const) {
    const { start, pass, kube } = world();
    const a = start({ host: "a" });
    await pass(5);
    a.kill();
    kube.fail("getLease", new KubeError("unavailable", "away"));
    const next = start({ host });
    await pass(5);
    assert.equal(readHolder(next.workdir, "pods")?.standby, standby, host);
    await pass(90);
    assert.equal(readHolder(next.workdir, "pods")?.standby, "the lease cannot be asked for: away", host);
  }
});

Deno.test("a standby writes nothing into a directory that another host serves", async () => {
  const { start, pass, files } = world();
  start({ host: "a" });
  await pass(5);
  const before = readHolder(start({ host: "b" }).workdir, "pods");
  await pass(5);
  const tree = files.tree("/work");
  await pass(100);
  assert.deepEqual(files.tree("/work"), tree);
  assert.deepEqual(readHolder(new Workdir("/work", { files, random: seededRandom(9) }), "pods"), before);
  await settled();
});

Deno.test("a copy of the directory elsewhere is another contender, though it has the same identity", async () => {
  const { start, pass, files, kube } = world();
  const a = start();
  await pass(5);
  files.putBack("/copy", files.copy("/work"));
  const b = start({ host: "b", root: "/copy" });
  await pass(60);
  assert.ok(a.fence.isOpen && !b.fence.isOpen);
  assert.equal(kube.leases.get(LEASE)?.metadata.annotations?.[LeaseAnnotation.place], "a:/work");
});
