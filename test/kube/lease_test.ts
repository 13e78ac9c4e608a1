import assert from "node:assert/strict";
import { KubeError } from "../../src/kube/errors.ts";
import { LEASE_SECONDS, LeaseAnnotation, LeaseContender, leaseName, TERM_MS } from "../../src/kube/lease.ts";
import { seededRandom } from "../../src/random.ts";
import { FakeKube } from "../support/fake_kube.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

const NAME = "hostfactory-grid";
const { signal } = new AbortController();
const alive = () => false;

/** A cluster, and processes that ask for the lease there, each with a clock of its own that goes as fast as all others. */
function contest() {
  const clock = new SimulatedClock();
  const kube = new FakeKube(clock);
  const contender = (identity: string, options: { workdir?: string } = {}) => {
    const own = { identity, workdir: options.workdir ?? `dir-${identity}`, place: `${identity}:/work` };
    return new LeaseContender({ kube, clock, random: seededRandom(1), name: NAME, contender: own });
  };
  const pass = async (seconds: number) => await clock.advance(seconds * 1000);
  return { clock, kube, contender, pass };
}

Deno.test("the first to ask makes the lease and may act for a term from when it asked", async () => {
  const { clock, kube, contender } = contest();
  kube.latencyMs = 500;
  const trying = contender("a").try({ signal, isDead: alive });
  const askedMs = clock.monotonic() + 500; // The look comes first.
  await clock.advance(1_000);
  const state = await trying;
  assert.deepEqual(state, { kind: "held", untilMs: askedMs + TERM_MS, before: undefined, isRenewal: false });
  const { metadata, spec } = kube.leases.get(NAME)!;
  assert.deepEqual(metadata.annotations, { [LeaseAnnotation.workdir]: "dir-a", [LeaseAnnotation.place]: "a:/work" });
  assert.equal(spec?.holderIdentity, "a");
  assert.equal(spec?.leaseDurationSeconds, LEASE_SECONDS);
  assert.match(spec?.renewTime ?? "", /^2026-11-20T00:00:00\.\d{6}Z$/);
  assert.ok(TERM_MS < LEASE_SECONDS * 1000, "a holder stops before others begin");
});

Deno.test("others wait while it is renewed, and take it once it was not for as long as it lasts", async () => {
  const { kube, contender, pass } = contest();
  const [a, b] = [contender("a"), contender("b")];
  await a.try({ signal, isDead: alive });
  for (let round = 0; round < 20; round++) {
    assert.equal((await b.try({ signal, isDead: alive })).kind, "waiting");
    await pass(2);
    assert.equal((await a.try({ signal, isDead: alive })).kind, "held");
  }
  for (let second = 0; second < LEASE_SECONDS; second++) {
    const state = await b.try({ signal, isDead: alive });
    assert.deepEqual(state, { kind: "waiting", holder: { identity: "a", workdir: "dir-a", place: "a:/work" } });
    await pass(1);
  }
  await pass(1);
  const state = await b.try({ signal, isDead: alive });
  assert.ok(state.kind === "held" && !state.isRenewal);
  assert.equal(state.before?.workdir, "dir-a");
  assert.equal(kube.leases.get(NAME)?.spec?.leaseTransitions, 1);
  const again = await b.try({ signal, isDead: alive });
  assert.ok(again.kind === "held" && again.isRenewal && again.before?.workdir === "dir-a");
  assert.equal((await a.try({ signal, isDead: alive })).kind, "waiting", "whoever lost it is told so");
});

Deno.test("clocks of other hosts do not matter: only how long we ourselves have seen no change", async () => {
  const { clock, kube, contender, pass } = contest();
  await contender("a").try({ signal, isDead: alive });
  const lease = kube.leases.get(NAME)!;
  for (const year of ["1970", "2099"]) {
    kube.putLease({ ...lease, spec: { ...lease.spec, renewTime: `${year}-01-01T00:00:00.000000Z` } });
    const b = contender(`b${year}`);
    assert.equal((await b.try({ signal, isDead: alive })).kind, "waiting");
    clock.setNow(Date.UTC(2050));
    assert.equal((await b.try({ signal, isDead: alive })).kind, "waiting");
    await pass(LEASE_SECONDS - 1);
    assert.equal((await b.try({ signal, isDead: alive })).kind, "waiting");
  }
});

Deno.test("time in which the API server was away does not count: its holder has the first turn after that", async () => {
  const { kube, contender, pass } = contest();
  const [a, b] = [contender("a"), contender("b")];
  await a.try({ signal, isDead: alive });
  await b.try({ signal, isDead: alive });
  const away = new KubeError("unavailable", "away");
  for (const call of ["getLease", "updateLease"] as const) kube.fail(call, away);
  for (let second = 0; second < 60; second++) {
    assert.deepEqual(await b.try({ signal, isDead: alive }), { kind: "unknown", error: away });
    await pass(1);
  }
  kube.recover();
  assert.equal((await b.try({ signal, isDead: alive })).kind, "waiting");
  const state = await a.try({ signal, isDead: alive });
  assert.ok(state.kind === "held" && state.isRenewal);
});

Deno.test("a lease that was let go of, or whose holder is known to be dead, is taken at once", async () => {
  const { contender } = contest();
  const [a, b, c] = [contender("a"), contender("b"), contender("c")];
  await a.try({ signal, isDead: alive });
  await b.try({ signal, isDead: alive });
  await a.release({ signal });
  const state = await b.try({ signal, isDead: alive });
  assert.ok(state.kind === "held" && state.before?.workdir === "dir-a", "whose it was is known though it let go");
  assert.equal((await c.try({ signal, isDead: (identity) => identity === "a" })).kind, "waiting");
  assert.equal((await c.try({ signal, isDead: (identity) => identity === "b" })).kind, "held");
});

Deno.test("a lease is let go of though a renewal has arrived that was not waited for; another's is left alone", async () => {
  const { kube, contender } = contest();
  const [a, b] = [contender("a"), contender("b")];
  for (const holder of ["a", "b"]) {
    await a.try({ signal, isDead: alive });
    const lease = await kube.getLease(NAME);
    await kube.updateLease({ ...lease, spec: { ...lease.spec, holderIdentity: holder } });
    await a.release({ signal });
    assert.equal((await kube.getLease(NAME)).spec?.holderIdentity, holder === "a" ? "" : "b");
  }
  assert.equal((await b.try({ signal, isDead: alive })).kind, "held");
});

Deno.test("a holder whose lease was deleted makes another, and is told that it is one", async () => {
  const { kube, contender } = contest();
  const a = contender("a");
  await a.try({ signal, isDead: alive });
  kube.leases.clear();
  const state = await a.try({ signal, isDead: alive });
  assert.ok(state.kind === "held" && !state.isRenewal);
});

Deno.test("others do not take a lease that somebody deleted while its holder may act", async () => {
  const { kube, contender, pass } = contest();
  const [a, b] = [contender("a"), contender("b")];
  await a.try({ signal, isDead: alive });
  assert.equal((await b.try({ signal, isDead: alive })).kind, "waiting");
  kube.leases.delete(NAME);
  await pass(2);
  assert.equal((await b.try({ signal, isDead: alive })).kind, "waiting");
  assert.equal((await a.try({ signal, isDead: alive })).kind, "held");
  assert.equal((await b.try({ signal, isDead: alive })).kind, "waiting");
  kube.leases.delete(NAME);
  await pass(LEASE_SECONDS + 1);
  const state = await b.try({ signal, isDead: alive });
  assert.ok(state.kind === "held" && !state.isRenewal, "nobody has made another");
});

Deno.test("a holder whose lease somebody changed renews it if it is still its own", async () => {
  const { kube, contender } = contest();
  const a = contender("a");
  await a.try({ signal, isDead: alive });
  kube.putLease({
    ...kube.leases.get(NAME)!,
    metadata: { ...kube.leases.get(NAME)!.metadata, labels: { edited: "x" } },
  });
  const state = await a.try({ signal, isDead: alive });
  assert.ok(state.kind === "held" && state.isRenewal);
  assert.deepEqual(kube.leases.get(NAME)?.metadata.labels, { edited: "x" }, "what others wrote stays");
});

Deno.test("of two that find the lease free one gets it", async () => {
  const { clock, kube, contender, pass } = contest();
  await contender("gone").try({ signal, isDead: alive });
  const { spec, ...lease } = kube.leases.get(NAME)!;
  for (const free of [undefined, { ...lease, spec: { ...spec, holderIdentity: "" } }]) {
    kube.leases.clear();
    if (free) kube.putLease(free);
    kube.latencyMs = 100;
    const [a, b] = [contender("a"), contender("b")];
    const both = clock.runWhile(Promise.all([a, b].map((one) => one.try({ signal, isDead: alive }))));
    assert.deepEqual((await both).map(({ kind }) => kind).sort(), ["held", "waiting"]);
    kube.latencyMs = 0;
    await pass(1);
    const states = [await a.try({ signal, isDead: alive }), await b.try({ signal, isDead: alive })];
    assert.deepEqual(states.map(({ kind }) => kind).sort(), ["held", "waiting"]);
  }
});

Deno.test("processes that share an identity hold the lease together", async () => {
  const { contender } = contest();
  const [pods, nodes] = [contender("host_dir"), contender("host_dir")];
  assert.equal((await pods.try({ signal, isDead: alive })).kind, "held");
  for (let round = 0; round < 3; round++) {
    for (const one of [nodes, pods]) {
      const state = await one.try({ signal, isDead: alive });
      assert.ok(state.kind === "held" && state.isRenewal);
    }
  }
});

Deno.test("processes that share an identity and ask at the same moment all hold the lease", async () => {
  const { clock, kube, contender } = contest();
  kube.latencyMs = 100;
  for (let round = 0; round < 3; round++) {
    const three = [1, 2, 3].map(() => contender("host_dir").try({ signal, isDead: alive }));
    const states = await clock.runWhile(Promise.all(three));
    assert.deepEqual(states.map(({ kind }) => kind), ["held", "held", "held"]);
  }
});

Deno.test("to be refused by RBAC is told from every other trouble", async () => {
  const { kube, contender } = contest();
  const words = 'leases.coordination.k8s.io "x" is forbidden: User "u" cannot get resource "leases" in API group';
  kube.fail("getLease", new KubeError("unauthorised", words), { times: 1 });
  const a = contender("a");
  assert.equal((await a.try({ signal, isDead: alive })).kind, "refused");
  kube.fail("getLease", new KubeError("unauthorised", "The API server does not accept the credentials"), { times: 1 });
  assert.equal((await a.try({ signal, isDead: alive })).kind, "unknown");
  assert.equal((await a.try({ signal, isDead: alive })).kind, "held");
});

Deno.test("whatever an instance is called, its lease has a name of its own that Kubernetes takes", () => {
  const names = ["grid", "Grid", "grid_a", "grid.a", "k8s-hf", "xgrid", "a".repeat(63), "A_-".repeat(20) + "B"];
  const leases = names.map(leaseName);
  assert.equal(new Set(leases).size, names.length);
  for (const name of leases) {
    assert.match(name, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
    assert.ok(name.length <= 253);
  }
  assert.equal(leaseName("k8s-hf"), "hostfactory-k8s-hf");
});
