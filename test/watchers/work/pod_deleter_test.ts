import assert from "node:assert/strict";
import type { Extension, Registry } from "../../../src/extensions/extension.ts";
import { PodDeleter } from "../../../src/watchers/work/pod_deleter.ts";
import { extension, GivenRegistrations, type Hook, hookClient } from "../../support/hooks.ts";
import { memoryDependencies, ourPod } from "../../support/memory_dependencies.ts";
import { settled } from "../../support/simulated_clock.ts";

/** A host whose clock is wrong by so much, and pods `req-0` to `req-2` that somebody deletes with 10 s of grace. */
function going(localMs = 0) {
  const dependencies = memoryDependencies();
  const { kube, clock } = dependencies;
  const deletionAt = clock.now() / 1000 + 10;
  clock.setNow(clock.now() + localMs);
  for (const name of ["req-0", "req-1", "req-2"]) kube.put(ourPod(name));
  const podDeleter = new PodDeleter(dependencies, { wake: () => {} });
  const want = async () => {
    for (const name of kube.pods.keys()) podDeleter.want(name, { uid: `uid-${name}`, deletionAt });
    podDeleter.start();
    await settled();
  };
  return { dependencies, want };
}

for (const localMs of [-600_000, 0, 600_000]) {
  Deno.test(`a pod that is going is asked for again 30 s late by the cluster's clock; ours is ${localMs} ms ahead`, async () => {
    const { dependencies: { kube, clock }, want } = going(localMs);
    for (let s = 0; s < 40; s++) {
      await want();
      await clock.advance(1_000);
    }
    assert.deepEqual(kube.calls, []);
    await want();
    assert.deepEqual(kube.named("deletePod"), ["req-0", "req-1", "req-2"]);
  });
}

Deno.test("while the cluster's time is not known, one pod that is going is asked for, so as to learn it", async () => {
  const { dependencies: { kube }, want } = going();
  kube.aheadMs = undefined;
  await want();
  await want();
  assert.deepEqual(kube.named("deletePod"), ["req-0"]);
  kube.aheadMs = 0;
  await want();
  assert.deepEqual(kube.named("deletePod"), ["req-0"]);
});

/** Pods `req-0` and so on that somebody wants to be gone, looked over every second, and a hook that is asked first. */
function drained(hook: Hook, { count, ...options }: { count: number } & Partial<Extension>) {
  const { client, clock, seen } = hookClient(hook);
  const hooks = { "pre-delete": "https://a.test/pre-delete" };
  const registry: Registry = { extensions: [extension("a", { hooks, ...options })], blocked: [], problems: [] };
  const dependencies = memoryDependencies({ clock, hooks: client, registrations: new GivenRegistrations(registry) });
  const { kube } = dependencies;
  for (let i = 0; i < count; i++) kube.put(ourPod(`req-${i}`));
  const podDeleter = new PodDeleter(dependencies, { wake: () => {} });
  const look = async () => {
    for (const name of kube.pods.keys()) podDeleter.want(name, { uid: `uid-${name}`, deletionAt: undefined });
    podDeleter.start();
    await settled();
  };
  const lookFor = async (seconds: number) => {
    for (let s = 0; s < seconds; s++) {
      await look();
      await clock.advance(1_000);
    }
  };
  const deleted = () => new Set(kube.named("deletePod")).size;
  return { dependencies, podDeleter, seen, clock, look, lookFor, deleted };
}

Deno.test("1,000 pods are deleted soon after drainSeconds though the extension never answers", async () => {
  for (const timeoutMs of [1_000, 60_000]) {
    const { lookFor, deleted } = drained(() => new Promise(() => {}), { count: 1_000, drainMs: 30_000, timeoutMs });
    await lookFor(29);
    assert.equal(deleted(), 0);
    await lookFor(6);
    assert.equal(deleted(), 1_000, `${timeoutMs} ms for a call`);
  }
});

Deno.test("a pod is deleted as soon as the extension agrees, while another waits for it", async () => {
  const { look, lookFor, dependencies: { kube } } = drained(
    ({ document: { machine } }) => new Response(null, { status: machine.name === "req-0" ? 202 : 204 }),
    { count: 3 },
  );
  await look();
  assert.deepEqual(kube.named("deletePod"), ["req-1", "req-2"]);
  await lookFor(59);
  assert.ok(!kube.named("deletePod").includes("req-0"));
  await lookFor(3);
  assert.ok(kube.named("deletePod").includes("req-0"));
});

Deno.test("an extension that is slow to answer takes no room of the calls to the cluster", async () => {
  const { look, lookFor, deleted, dependencies: { registrations, kube } } = drained(() => new Promise(() => {}), {
    count: 100,
    timeoutMs: 60_000,
    drainMs: 3_600_000,
  });
  await look();
  registrations.registry.extensions = [];
  for (let i = 0; i < 50; i++) kube.put(ourPod(`other-${i}`));
  await lookFor(2);
  assert.ok(deleted() >= 50, `${deleted()} are deleted`);
});

Deno.test("a deletion that is not wanted any more is neither asked about again nor done", async () => {
  const { look, podDeleter, clock, deleted, seen, dependencies } = drained(async () => {
    await clock.sleep(2_000);
    return new Response(null, { status: 200 });
  }, { count: 1 });
  await look();
  podDeleter.retain(() => false);
  await clock.advance(60_000);
  assert.equal(deleted(), 0);
  assert.equal(seen.length, 1);
  assert.equal(dependencies.preDelete.size, 0);
  assert.equal(podDeleter.isUnderWay("uid-req-0"), false);
});

Deno.test("an extension is not asked again about a pod whose deletion is repeated", async () => {
  const { lookFor, seen, dependencies: { kube } } = drained(() => new Response(null, { status: 200 }), { count: 1 });
  const { deletePod } = kube;
  kube.deletePod = async (...args) => {
    await deletePod.apply(kube, args);
    kube.put(ourPod("req-0"));
  };
  await lookFor(70);
  assert.equal(kube.named("deletePod").length, 3);
  assert.equal(seen.length, 1);
});
