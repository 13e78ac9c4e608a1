import assert from "node:assert/strict";
import type { Extension } from "../../src/extensions/extension.ts";
import { PreDelete } from "../../src/extensions/pre_delete.ts";
import { extension, type Hook, hookClient } from "../support/hooks.ts";
import { settled } from "../support/simulated_clock.ts";

const never = () => new Promise<Response>(() => {});
const answers = (status: number, headers: Record<string, string> = {}) => () => new Response(null, { status, headers });

function drainer(name: string, options: Partial<Extension> = {}): Extension {
  return extension(name, { hooks: { "pre-delete": `https://${name}.test/pre-delete` }, ...options });
}

function setUp(hook: Hook, extensions: Extension[]) {
  const { client, clock, seen } = hookClient(hook);
  const stop = new AbortController();
  const told: string[] = [];
  const registry = { extensions, blocked: [], problems: [] };
  const preDelete = new PreDelete({
    registrations: { registry },
    hooks: client,
    clock,
    instance: "k8s-hf",
    stopping: stop.signal,
    unanswered: (name, reason) => told.push(`${name}: ${reason}`),
  });
  const ask = (uid = "u") => clock.runWhile(preDelete.waitMs("req-0", uid));
  return { preDelete, clock, seen, stop, told, registry, ask };
}

Deno.test("a hook is told which pod is to go", async () => {
  const { ask, seen } = setUp(answers(204), [drainer("a")]);
  assert.equal(await ask(), 0);
  assert.deepEqual(seen[0]?.document, {
    version: 1,
    hook: "pre-delete",
    extension: "a",
    instance: "k8s-hf",
    machine: { name: "req-0", uid: "u" },
  });
});

const cases: [what: string, hook: Hook, fail: number, ignore: number][] = [
  ["200", answers(200), 0, 0],
  ["204", answers(204), 0, 0],
  ["304", answers(304), 0, 0],
  ["202", answers(202), 5_000, 5_000],
  ["202 with retry-after", answers(202, { "retry-after": "12" }), 12_000, 12_000],
  ["503 with retry-after", answers(503, { "retry-after": "2" }), 2_000, 2_000],
  ["503", answers(503), 5_000, 0],
  ["403", answers(403), 5_000, 0],
  ["201", answers(201), 5_000, 0],
  ["a redirect", answers(302, { location: "https://other.test" }), 5_000, 0],
  ["a retry-after beyond drainSeconds", answers(202, { "retry-after": "1e9" }), 60_000, 60_000],
];
for (const [what, hook, fail, ignore] of cases) {
  Deno.test(`what an answer means for a deletion: ${what}`, async () => {
    assert.equal(await setUp(hook, [drainer("a")]).ask(), fail);
    assert.equal(await setUp(hook, [drainer("a", { failurePolicy: "ignore" })]).ask(), ignore);
  });
}

Deno.test("extensions are asked side by side, and who has agreed is not asked again", async () => {
  let slowSays = 202;
  const { ask, preDelete, seen, clock } = setUp(async ({ url }) => {
    await clock.sleep(1_000);
    return new Response(null, { status: url.includes("slow") ? slowSays : 200 });
  }, [drainer("quick"), drainer("slow")]);
  const beganMs = clock.monotonic();
  assert.equal(await ask(), 5_000);
  assert.equal(clock.monotonic() - beganMs, 1_000);
  assert.equal(preDelete.isFree("u"), false);
  slowSays = 200;
  assert.equal(await ask(), 0);
  assert.deepEqual(seen.map(({ url }) => url.slice(8, 12)), ["quic", "slow", "slow"]);
  assert.equal(preDelete.isFree("u"), true);
  assert.equal(preDelete.isFree("another"), false);
});

Deno.test("whatever a hook says, a deletion waits for drainSeconds at most, though clocks jump", async () => {
  for (const hook of [answers(202), answers(503), never]) {
    const { ask, clock, preDelete, seen } = setUp(hook, [drainer("a", { drainMs: 20_000 })]);
    const beganMs = clock.monotonic();
    for (let waitMs = await ask(); waitMs > 0; waitMs = await ask()) {
      clock.setNow(clock.now() - 3_600_000);
      await clock.advance(waitMs);
    }
    assert.equal(clock.monotonic() - beganMs, 20_000);
    assert.ok(preDelete.isFree("u"));
    const calls = seen.length;
    assert.equal(await ask(), 0);
    assert.equal(seen.length, calls);
  }
});

Deno.test("an extension that is reached late has all of its time nevertheless, once", async () => {
  let latencyMs = 3_000;
  const { ask, clock } = setUp(async () => {
    await clock.sleep(latencyMs);
    latencyMs = 0;
    return new Response(null, { status: 202 });
  }, [drainer("a", { drainMs: 4_000 })]);
  const beganMs = clock.monotonic();
  for (let waitMs = await ask(); waitMs > 0; waitMs = await ask()) await clock.advance(waitMs);
  assert.equal(clock.monotonic() - beganMs, 7_000);
});

Deno.test("a call that would last beyond drainSeconds is ended", async () => {
  const { ask, clock } = setUp(never, [drainer("a", { drainMs: 2_000, timeoutMs: 60_000 })]);
  const beganMs = clock.monotonic();
  assert.equal(await ask(), 0);
  assert.equal(clock.monotonic() - beganMs, 2_000);
});

Deno.test("an extension that asks for patience with 503 is not taken for one that does not answer", async () => {
  const { ask, seen, told } = setUp(answers(503, { "retry-after": "5" }), [drainer("a", { failurePolicy: "ignore" })]);
  for (let i = 0; i < 20; i++) assert.equal(await ask(`u${i}`), 5_000);
  assert.equal(seen.length, 20);
  assert.deepEqual(told, []);
});

Deno.test("two that want to delete the same pod ask once", async () => {
  const { preDelete, clock, seen } = setUp(answers(200), [drainer("a")]);
  const both = await clock.runWhile(Promise.all([preDelete.waitMs("req-0", "u"), preDelete.waitMs("req-0", "u")]));
  assert.deepEqual(both, [0, 0]);
  assert.equal(seen.length, 1);
});

Deno.test("nothing is remembered of a pod that is gone", async () => {
  const { preDelete, ask } = setUp(answers(200), [drainer("a")]);
  await ask();
  assert.equal(preDelete.size, 1);
  preDelete.forget("u");
  assert.equal(preDelete.size, 0);
  assert.equal(preDelete.isFree("u"), false);
});

Deno.test("who stops waits for no hook", async () => {
  const { preDelete, stop } = setUp(never, [drainer("a")]);
  const asked = preDelete.waitMs("req-0", "u");
  await settled();
  stop.abort(new Error("stopping"));
  await assert.rejects(asked, /stopping/);
});

Deno.test("extensions without the hook are not asked", () => {
  const { preDelete } = setUp(never, [extension("a")]);
  assert.ok(preDelete.isFree("u"));
  assert.equal(preDelete.size, 0);
});
