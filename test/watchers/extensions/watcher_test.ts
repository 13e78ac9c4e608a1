import assert from "node:assert/strict";
import { Registrations } from "../../../src/extensions/registrations.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import type { ExtensionResource } from "../../../src/kube/types.ts";
import { ExtensionsWatcher } from "../../../src/watchers/extensions/watcher.ts";
import { type MemoryDependencies, memoryDependencies, run } from "../../support/memory_dependencies.ts";

const spec = { hooks: { lint: "https://a/" } };

function resource(name: string, rest: Partial<ExtensionResource> = {}): ExtensionResource {
  return { metadata: { name, uid: `uid-${name}`, generation: 1, managedFields: [{}] }, spec, ...rest };
}

/** A watcher whose reflector the test plays. */
function watch() {
  const made = memoryDependencies();
  const registrations = new Registrations({ files: made.files, confdir: "/conf", report: () => {} });
  const dependencies = { ...made, registrations };
  const { kube } = dependencies;
  const watcher = new ExtensionsWatcher(dependencies, () => {});
  const list = (...resources: ExtensionResource[]) => {
    kube.extensions.clear();
    for (const one of resources) kube.extensions.set(one.metadata.name!, structuredClone(one));
    watcher.begin();
    watcher.page(resources);
    watcher.complete();
  };
  const used = () => dependencies.registrations.registry.extensions.map(({ name }) => name);
  const accepted = (name: string) => {
    const { message, conditions: [condition] = [] } = kube.extensions.get(name)?.status ?? {};
    return [condition?.status, condition?.reason, message];
  };
  const patches = () => kube.named("patchExtensionStatus").length;
  return { dependencies, kube, watcher, list, used, accepted, patches };
}

function register({ files }: MemoryDependencies, name: string): void {
  files.makeDirectory("/conf/extensions.d");
  files.writeText(`/conf/extensions.d/${name}.yaml`, `name: ${name}\nhooks: { lint: "https://f/" }\n`);
}

Deno.test("files and resources are followed, and resources are told how they stand", async () => {
  const { dependencies, watcher, list, used, accepted } = watch();
  register(dependencies, "b");
  list(resource("a"), resource("b"), resource("c", { spec: { bogus: 1 } }));
  await run(watcher, dependencies, 2_000);
  assert.deepEqual(used(), ["a", "b"]);
  assert.deepEqual(accepted("a"), ["True", "Accepted", ""]);
  assert.deepEqual(accepted("b").slice(0, 2), ["False", "FileWins"]);
  assert.deepEqual(accepted("c").slice(0, 2), ["False", "Invalid"]);
  assert.match(accepted("c")[2]!, /bogus is not known/);
});

Deno.test("changes of a watch are taken in within a second", async () => {
  const { dependencies, watcher, list, used } = watch();
  list(resource("a"));
  watcher.event("ADDED", resource("b"));
  watcher.event("DELETED", resource("a"));
  await run(watcher, dependencies, 1_000);
  assert.deepEqual(used(), ["b"]);
});

Deno.test("a resource is told again only if that changed, and once a minute at most", async () => {
  const { dependencies, watcher, list, patches } = watch();
  list(resource("a"));
  await run(watcher, dependencies, 120_000);
  assert.equal(patches(), 1);
  const { registrations, clock } = dependencies;
  for (let call = 0; call < 120; call++) {
    registrations.called("a", { nowMs: clock.now(), isAnswered: true });
    await run(watcher, dependencies, 1_000);
  }
  assert.ok(patches() >= 2 && patches() <= 4, `${patches()} patches`);
});

Deno.test("what a resource says already is not said again after a restart", async () => {
  const first = watch();
  first.list(resource("a"));
  await run(first.watcher, first.dependencies, 1_000);
  const second = watch();
  second.list(structuredClone(first.kube.extensions.get("a")!));
  await run(second.watcher, second.dependencies, 60_000);
  assert.equal(second.patches(), 0);
});

Deno.test("a status that cannot be written is tried once a minute, and holds nothing up", async () => {
  const { dependencies, kube, watcher, list, used, patches } = watch();
  kube.fail("patchExtensionStatus", new KubeError("unauthorised", "no"));
  list(resource("a"));
  await run(watcher, dependencies, 150_000);
  assert.equal(patches(), 3);
  assert.deepEqual(used(), ["a"]);
  kube.recover();
  await run(watcher, dependencies, 61_000);
  assert.equal(kube.extensions.get("a")?.status?.conditions?.[0]?.status, "True");
});

Deno.test("where resources are not to be had, files alone count; other trouble is waited for", async () => {
  const notGranted = new KubeError("unauthorised", 'User "u" cannot list resource "x"');
  for (const error of [new KubeError("notFound", "none"), notGranted, new KubeError("unauthorised", "401")]) {
    const { dependencies, watcher, used } = watch();
    register(dependencies, "b");
    watcher.failed(error);
    await run(watcher, dependencies, 1_000);
    assert.equal(dependencies.registrations.isSettled, true);
    assert.deepEqual(used(), ["b"]);
  }
  const { dependencies, watcher } = watch();
  watcher.failed(new KubeError("unavailable", "away"));
  await run(watcher, dependencies, 1_000);
  assert.equal(dependencies.registrations.isSettled, false);
});

Deno.test("resources that were known stay in use where they are not to be had any more", async () => {
  const { dependencies, watcher, list, used } = watch();
  list(resource("a"));
  watcher.failed(new KubeError("notFound", "none"));
  await run(watcher, dependencies, 2_000);
  assert.deepEqual(used(), ["a"]);
});

Deno.test("a process that is to stop tells nothing more", async () => {
  const { dependencies, watcher, list, patches } = watch();
  list(resource("a"), resource("b"));
  dependencies.stop();
  await watcher.step(dependencies.stopping);
  await watcher.drained();
  assert.equal(patches(), 0);
});
