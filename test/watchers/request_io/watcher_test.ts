import assert from "node:assert/strict";
import type { Clock } from "../../../src/clock.ts";
import { RequestIoWatcher } from "../../../src/watchers/request_io/watcher.ts";
import { memoryDependencies } from "../../support/memory_dependencies.ts";

function make() {
  const dependencies = memoryDependencies();
  const { files, clock, workdir } = dependencies;
  const watcher = new RequestIoWatcher(dependencies);
  const put = (directory: string, texts: Record<string, string>) => {
    files.makeDirectory(`/work/requests-io/${directory}`);
    for (const [name, text] of Object.entries(texts)) files.writeText(`/work/requests-io/${directory}/${name}`, text);
  };
  const step = async () => {
    await watcher.step(dependencies.stopping);
    return Object.fromEntries(
      workdir.names("/work/events").sort().map((
        name,
      ) => [name, JSON.parse(workdir.readText(`/work/events/${name}`) ?? "")]),
    );
  };
  const isProcessed = (directory: string) => workdir.kind(`/work/requests-io/${directory}/.processed`) !== undefined;
  return { dependencies, files, clock, put, step, isProcessed, now: Math.floor(clock.now() / 1000) };
}

const asked = "k8s-hf.20261121T161327.request.req1";

Deno.test("each file is a pair of an event with its time, and the directory is done then", async () => {
  const { put, step, isProcessed, now } = make();
  put(asked, { input: '{"template": {}}', output: "", ".hidden": "x" });
  const about = { category: "request", id: "req1" };
  const events = [{ ...about, output: {}, timestamp: now }, { ...about, input: { template: {} }, timestamp: now }];
  const spooled = await step();
  assert.deepEqual(Object.keys(spooled), [asked]);
  const inOrder = (some: object[]) => some.map((event) => JSON.stringify(event)).sort();
  assert.deepEqual(inOrder(spooled[asked]), inOrder(events));
  assert.ok(isProcessed(asked));
});

Deno.test("what was done is not done again, and what was done half-way makes the same batch", async () => {
  const { dependencies, put, step, files } = make();
  put(asked, { input: "{}" });
  const before = await step();
  files.remove(`/work/events/${asked}`);
  assert.deepEqual(await step(), {});
  files.remove(`/work/requests-io/${asked}/.processed`);
  await new RequestIoWatcher(dependencies).step(dependencies.stopping);
  assert.deepEqual(await step(), before);
});

Deno.test("a directory that is empty, or holds half a file, has ten seconds; what is no JSON then is left out alone", async () => {
  const { put, step, clock, isProcessed, now } = make();
  put("a.b.template.t1", {});
  put("a.b.return.r1", { input: '{"half', output: "{}" });
  assert.deepEqual(await step(), {});
  assert.equal(isProcessed("a.b.template.t1"), false);
  clock.pass(11_000);
  assert.deepEqual(await step(), { "a.b.return.r1": [{ category: "return", id: "r1", output: {}, timestamp: now }] });
  assert.ok(isProcessed("a.b.template.t1") && isProcessed("a.b.return.r1"));
});

Deno.test("a directory with another name is left alone, and holds no other up", async () => {
  const { put, step, isProcessed } = make();
  put("notes", { input: "{}" });
  put(asked, { input: "{}" });
  assert.deepEqual(Object.keys(await step()), [asked]);
  assert.equal(isProcessed("notes"), false);
});

Deno.test("many directories are recorded in turns, between which everything else goes on", async () => {
  const { dependencies, put } = make();
  for (let i = 0; i < 100; i++) put(`a.b.request.req${i}`, { input: "{}" });
  let [nowMs, turns] = [0, 0];
  // Each look at the clock takes a millisecond.
  const clock: Clock = {
    ...dependencies.clock,
    now: () => dependencies.clock.now(),
    monotonic: () => nowMs++,
    sleep: () => Promise.resolve(void turns++),
  };
  await new RequestIoWatcher({ ...dependencies, clock }).step(dependencies.stopping);
  assert.equal(dependencies.workdir.names("/work/events").length, 100);
  assert.ok(turns >= 100 / 12 && turns <= 100 / 5, `${turns} turns`);
});
