import assert from "node:assert/strict";
import type { MachineState } from "../../../src/hf/status.ts";
import type { Extension, Registry } from "../../../src/extensions/extension.ts";
import { NotifyWatcher } from "../../../src/watchers/notify/watcher.ts";
import { podFileText } from "../../../src/workdir/pod_file.ts";
import { writeState, writeTombstone } from "../../../src/workdir/machines.ts";
import { extension, GivenRegistrations, type Hook, hookClient } from "../../support/hooks.ts";
import { memoryDependencies, ourPod, run } from "../../support/memory_dependencies.ts";
import { settled } from "../../support/simulated_clock.ts";

const told = () => new Response(null, { status: 204 });

function inventory(name: string, options: Partial<Extension> = {}): Extension {
  return extension(name, { hooks: { notify: `https://${name}.test/notify` }, ...options });
}

function setUp(hook: Hook, extensions = [inventory("a")]) {
  const { client, clock, seen } = hookClient(hook);
  const registry: Registry = { extensions, blocked: [], problems: [] };
  const dependencies = memoryDependencies({ clock, hooks: client, registrations: new GivenRegistrations(registry) });
  const { workdir, files } = dependencies;
  const make = () => new NotifyWatcher(dependencies, () => {});
  const watcher = make();
  const put = (machine: string, state: MachineState) => {
    writeState(workdir, machine, state);
    workdir.write(workdir.layout.pod(machine), podFileText(ourPod(machine)));
  };
  const go = (ms = 1_000, loop = watcher) => run(loop, dependencies, ms);
  const events = (name = "a"): string[] =>
    seen.filter(({ document }) => document.extension === name)
      .flatMap(({ document }) => document.events)
      .map(({ machine, event }) => `${machine} ${event}`);
  return { dependencies, workdir, files, clock, registry, seen, watcher, make, put, go, events };
}

Deno.test("an extension is told what has happened before it was there, and what happens then", async () => {
  const { watcher, put, go, events, seen, workdir, clock } = setUp(told);
  put("req-0", "running");
  await go();
  assert.deepEqual(events(), ["req-0 created", "req-0 up"]);
  const failed = { up: true, returned: false, givenUp: false, message: "OOMKilled", uid: "uid-req-0" };
  writeTombstone(workdir, "req-0", failed);
  writeState(workdir, "req-0", "failed");
  watcher.changed(["req-0"]);
  await go();
  assert.deepEqual(seen[1]?.document, {
    version: 1,
    hook: "notify",
    extension: "a",
    instance: "k8s-hf",
    events: [{
      machine: "req-0",
      event: "failed",
      uid: "uid-req-0",
      at: Math.floor(clock.now() / 1000) - 1,
      reason: "OOMKilled",
    }],
  });
});

Deno.test("what was told is not told again, not by the next process either", async () => {
  const { make, put, go, seen, files } = setUp(told);
  put("req-0", "running");
  await go(600_000);
  assert.equal(files.readLink("/work/notified/a/req-0"), "up");
  await go(600_000, make());
  assert.equal(seen.length, 1);
});

Deno.test("what no one told the loop of is found by the next full pass", async () => {
  const { put, go, events } = setUp(told);
  await go();
  put("req-0", "pending");
  await go(5_000);
  assert.deepEqual(events(), []);
  await go(120_000);
  assert.deepEqual(events(), ["req-0 created"]);
});

Deno.test("the same is told again until it is answered, with the same key, and holds up no other extension", async () => {
  let isDown = true;
  const { put, go, events, seen } = setUp(
    ({ url }) => isDown && url.includes("//a.") ? new Response(null, { status: 500 }) : told(),
    [inventory("a"), inventory("b")],
  );
  put("req-0", "running");
  await go(30_000);
  assert.deepEqual(events("b"), ["req-0 created", "req-0 up"]);
  isDown = false;
  await go(90_000);
  const calls = seen.filter(({ url }) => url.includes("//a."));
  assert.ok(calls.length > 2);
  assert.equal(new Set(calls.map(({ headers }) => headers.get("idempotency-key"))).size, 1);
  await go(600_000);
  assert.equal(seen.filter(({ url }) => url.includes("//a.")).length, calls.length);
});

Deno.test("an answer of 4xx is not taken for being told", async () => {
  const { put, go, files } = setUp(() => new Response(null, { status: 404 }));
  put("req-0", "running");
  await go(60_000);
  assert.equal(files.tree("/work")["/work/notified/a/req-0"], undefined);
});

Deno.test("at most 100 events are told in one call, one call at a time", async () => {
  let [underWay, most] = [0, 0];
  const { put, go, seen, clock, events } = setUp(async () => {
    most = Math.max(most, ++underWay);
    await clock.sleep(50);
    underWay--;
    return told();
  });
  for (let i = 0; i < 250; i++) put(`req-${i}`, "running");
  await go(5_000);
  assert.equal(new Set(events()).size, 500);
  assert.deepEqual(seen.map(({ document }) => document.events.length), [100, 100, 100, 100, 100]);
  assert.equal(most, 1);
});

Deno.test("no more than 100,000 machines are kept in mind; the others are counted, and told of later", async () => {
  const { watcher, put, go } = setUp(() => new Promise(() => {}));
  put("req-0", "running");
  await go();
  assert.deepEqual(watcher.counts, { untoldMachines: undefined, droppedMachines: undefined });
  watcher.changed(Array.from({ length: 100_010 }, (_, i) => `req-${i}`));
  assert.deepEqual(watcher.counts, { untoldMachines: 100_000, droppedMachines: 10 });
});

Deno.test("nothing is looked at while no extension wants to be told", async () => {
  const { watcher, put, files, dependencies } = setUp(told, [extension("a")]);
  put("req-0", "running");
  const { list, readLink, info } = files;
  files.list = files.readLink = files.info = () => assert.fail("something is looked at");
  assert.equal(watcher.changed(["req-0"]), false);
  assert.deepEqual(await watcher.step(dependencies.stopping), { kind: "done" });
  Object.assign(files, { list, readLink, info });
  assert.equal(files.tree("/work")["/work/notified"], undefined);
});

Deno.test("notes on machines that are not known any more are removed", async () => {
  const { put, go, files, workdir } = setUp(told);
  put("req-0", "running");
  put("req-1", "running");
  await go();
  workdir.remove(workdir.layout.podStatus("req-0"));
  await go(120_000);
  assert.deepEqual(files.list("/work/notified/a").map(({ name }) => name), ["req-1"]);
});

Deno.test("what is kept for an extension is removed a while after that is registered no more", async () => {
  const { put, go, files, registry, seen } = setUp(told, [inventory("a"), inventory("b")]);
  put("req-0", "running");
  await go();
  const [a, b] = registry.extensions;
  registry.extensions = [a!];
  await go(100_000);
  registry.extensions = [a!, b!];
  await go();
  assert.equal(seen.length, 2, "an extension that was away for a moment is told nothing again");
  registry.extensions = [];
  await go(300_000);
  assert.deepEqual(files.list("/work/notified"), []);
});

Deno.test("one that waits in a loop of extensions is told nothing, and nothing again afterwards", async () => {
  const { put, go, registry, seen } = setUp(told);
  put("req-0", "running");
  await go();
  const [a] = registry.extensions;
  registry.blocked = [{ extension: a!, reason: "a loop" }];
  registry.extensions = [inventory("b")];
  await go(600_000);
  registry.blocked = [];
  registry.extensions = [a!];
  await go();
  assert.equal(seen.filter(({ document }) => document.extension === "a").length, 1);
});

Deno.test("a process that stops waits for no answer", async () => {
  const { watcher, put, go, dependencies } = setUp(() => new Promise(() => {}));
  put("req-0", "running");
  await go();
  dependencies.stop();
  await watcher.drained();
});

Deno.test("a machine that cannot be read holds up no other", async () => {
  const { put, go, events, files } = setUp(told);
  put("req-0", "running");
  put("req-1", "running");
  files.remove("/work/pods/req-0");
  files.makeDirectory("/work/pods/req-0");
  const { readText } = files;
  files.readText = (path, options) => {
    if (path === "/work/machines/req-0") throw new Error("EIO");
    return readText.call(files, path, options);
  };
  await go();
  await settled();
  assert.deepEqual(events(), ["req-1 created", "req-1 up"]);
});

Deno.test("an extension that appears is told at once", async () => {
  const { dependencies, registry } = setUp(told);
  let woken = 0;
  const watcher = new NotifyWatcher(dependencies, () => woken++);
  registry.extensions = [];
  assert.deepEqual(await watcher.step(dependencies.stopping), { kind: "done" });
  registry.extensions = [inventory("a")];
  dependencies.registrations.resources([]);
  assert.equal(woken, 1);
  assert.notDeepEqual(await watcher.step(dependencies.stopping), { kind: "done" });
});
