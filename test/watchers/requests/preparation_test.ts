import assert from "node:assert/strict";
import type { Extension, Registry } from "../../../src/extensions/extension.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import type { Pod } from "../../../src/kube/types.ts";
import { RequestMachinesWatcher } from "../../../src/watchers/requests/watcher.ts";
import { addRequest, readRequest } from "../../../src/workdir/requests.ts";
import { readState, readTombstone } from "../../../src/workdir/machines.ts";
import { captureLog } from "../../support/captured_log.ts";
import { atOnce } from "../../support/at_once.ts";
import { extension, GivenRegistrations, type Hook, hookClient } from "../../support/hooks.ts";
import { ask, giveBack, memoryDependencies, ourPod, run } from "../../support/memory_dependencies.ts";
import { manifest } from "../../support/memory_provider.ts";
import { settled } from "../../support/simulated_clock.ts";

function setUp(hook: Hook, extensions: Extension[], options: { concurrency?: number } = {}) {
  const { client, clock, seen } = hookClient(hook);
  const registry: Registry = { extensions, blocked: [], problems: [] };
  const dependencies = memoryDependencies({
    ...options,
    clock,
    hooks: client,
    registrations: new GivenRegistrations(registry),
  });
  const watcher = new RequestMachinesWatcher(dependencies, () => {});
  return { dependencies, registry, seen, clock, watcher, go: (ms?: number) => run(watcher, dependencies, ms) };
}

const unchanged = () => new Response(null, { status: 304 });
const annotate: Hook = ({ document: { pod, configuration } }) => {
  pod.metadata.annotations.team = configuration?.team ?? "none";
  return Response.json(pod);
};

function teams(pods: Map<string, Pod>): (string | undefined)[] {
  return [...pods.values()].map(({ metadata }) => metadata.annotations?.team);
}

Deno.test("pods are created as the extensions have made them, and the request comes to its end", async () => {
  const { dependencies, go } = setUp(annotate, [extension("a")], { concurrency: 4 });
  await ask(dependencies, "req", 100);
  await go();
  assert.deepEqual(teams(dependencies.kube.pods), new Array(100).fill("none"));
  assert.equal(readRequest(dependencies.workdir, "req")?.processed, true);
});

Deno.test("an extension is told what the template said when the request was accepted", async () => {
  const { dependencies, go } = setUp(annotate, [extension("a")]);
  const request = { id: "req", templateId: "T", count: 2, requestedAt: 0, manifest: JSON.stringify(manifest) };
  await addRequest(dependencies.workdir, { ...request, up: undefined, extensions: { a: { team: "risk" } } }, atOnce);
  await go();
  assert.deepEqual(teams(dependencies.kube.pods), ["risk", "risk"]);
});

Deno.test("a request of the legacy plug-in passes with what the template says today that has its manifest", async () => {
  const { dependencies, go, seen } = setUp(annotate, [extension("a")]);
  const { files } = dependencies;
  const listed = JSON.parse(files.readText("/conf/k8sprov_templates.json"));
  listed.templates[0].extensions = { a: { team: "legacy" } };
  files.remove("/conf/k8sprov_templates.json");
  files.writeText("/conf/k8sprov_templates.json", JSON.stringify(listed));
  files.makeDirectory("/work/requests/old");
  files.symlink("/conf/pod.json", "/work/requests/old/old-0");
  await go();
  assert.deepEqual(teams(dependencies.kube.pods), ["legacy"]);
  assert.equal(seen[0]?.document.request.templateId, "T");
});

Deno.test("a machine that is refused takes the rest of its request with it, with no further call", async () => {
  const { dependencies, seen, go } = setUp(() => new Response("no GPUs", { status: 403 }), [
    extension("a", { batch: 10 }),
  ]);
  await go(100); // What comes from now on has no pods of an earlier process.
  await ask(dependencies, "req", 1_000);
  await ask(dependencies, "other", 1);
  await go();
  assert.ok(seen.length <= 20, `${seen.length} calls`);
  assert.equal(dependencies.kube.calls.length, 0);
  for (const name of ["req-0", "req-999", "other-0"]) {
    assert.equal(readState(dependencies.workdir, name), "failed");
    assert.equal(readTombstone(dependencies.workdir, name)?.message, "Refused by extension 'a': no GPUs");
  }
});

Deno.test("a bad answer fails its machine alone", async () => {
  const hook: Hook = ({ document: { machine, pod } }) =>
    machine.index === 1 ? Response.json({ ...pod, kind: "Node" }) : unchanged();
  const { dependencies, go } = setUp(hook, [extension("a")]);
  await ask(dependencies, "req", 3);
  await go();
  assert.deepEqual([...dependencies.kube.pods.keys()].sort(), ["req-0", "req-2"]);
  assert.match(readTombstone(dependencies.workdir, "req-1")?.message ?? "", /extension 'a'.*kind/);
});

Deno.test("a pod that an earlier process created is kept though an extension refuses it today", async () => {
  const { dependencies, go } = setUp(() => new Response("no", { status: 403 }), [extension("a")]);
  await ask(dependencies, "req", 2);
  dependencies.kube.pods.set("req-0", ourPod("req-0"));
  await go();
  assert.deepEqual([...dependencies.kube.pods.keys()], ["req-0"]);
  assert.notEqual(readState(dependencies.workdir, "req-0"), "failed");
  assert.equal(readState(dependencies.workdir, "req-1"), "failed");
});

Deno.test("a small request does not wait for a large one to pass a slow extension", async () => {
  const { dependencies, clock, go, seen } = setUp(async () => {
    await clock.sleep(200);
    return unchanged();
  }, [extension("a")]);
  await ask(dependencies, "large", 500);
  await clock.advance(1_000);
  await ask(dependencies, "small", 2);
  await go();
  const place = seen.findIndex(({ document }) => document.machine.name === "small-0");
  assert.ok(place < 200, `asked about as number ${place}`);
  assert.equal(dependencies.kube.pods.size, 502);
});

Deno.test("what Symphony gives back while an extension is asked is not created", async () => {
  const { dependencies, clock, go } = setUp(async () => {
    await clock.sleep(2_000);
    return unchanged();
  }, [extension("a")]);
  await ask(dependencies, "req", 2);
  const created = go();
  await settled();
  await giveBack(dependencies, "ret", "req-1");
  await created;
  assert.deepEqual([...dependencies.kube.pods.keys()], ["req-0"]);
  assert.equal(readState(dependencies.workdir, "req-1"), "deleted");
});

Deno.test("a pod keeps what extensions have made of it when its create is tried again", async () => {
  const { dependencies, seen, go } = setUp(annotate, [extension("a")]);
  dependencies.kube.fail("createPod", new KubeError("unavailable", "down"), { times: 1 });
  await ask(dependencies, "req", 1);
  await go();
  assert.deepEqual(teams(dependencies.kube.pods), ["none"]);
  assert.equal(seen.length, 1);
});

Deno.test("extensions that wait for each other let no pod through until that is mended", async () => {
  const { dependencies, registry, go } = setUp(unchanged, []);
  registry.blocked.push({ extension: extension("a"), reason: "a waits for b, and b for a" });
  await ask(dependencies, "req", 1);
  await go(10_000);
  assert.equal(dependencies.kube.pods.size, 0);
  registry.blocked.pop();
  await go(10_000);
  assert.equal(dependencies.kube.pods.size, 1);
  registry.blocked.push({ extension: extension("a"), reason: "a waits for b, and b for a" });
  await ask(dependencies, "late", 1);
  await go(40_000);
  assert.equal(readTombstone(dependencies.workdir, "late-0")?.message, "a waits for b, and b for a");
});

Deno.test("a process that stops leaves machines to the next that no extension has judged", async () => {
  const { dependencies, watcher, go } = setUp(() => new Promise<Response>(() => {}), [extension("a")]);
  await ask(dependencies, "req", 1);
  await go(1_000);
  dependencies.stop();
  await watcher.drained();
  assert.equal(readRequest(dependencies.workdir, "req")?.machines[0]?.pending, true);
  assert.equal(readState(dependencies.workdir, "req-0"), "creating");
});

Deno.test("configuration for an extension that is not registered is said once", async () => {
  const { dependencies, go } = setUp(unchanged, []);
  using log = captureLog();
  for (const id of ["one", "two"]) {
    const request = { id, templateId: "T", count: 1, requestedAt: 0, manifest: JSON.stringify(manifest) };
    await addRequest(dependencies.workdir, { ...request, up: undefined, extensions: { nosuch: {} } }, atOnce);
  }
  await go();
  assert.equal(log.lines.filter((line) => /extension=nosuch .*no extension of that name/.test(line)).length, 1);
  assert.equal(dependencies.kube.pods.size, 2);
});
