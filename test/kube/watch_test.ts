import assert from "node:assert/strict";
import { KubeError } from "../../src/kube/errors.ts";
import { readWatch } from "../../src/kube/watch.ts";
import { ManualClock, pod, settle } from "./fakes.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;

/** A watch that says what it is told to, and knows whether it was closed. */
function openStream() {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const state = { closed: false, cancelled: false };
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => void (state.cancelled = true),
  });
  return { stream: { body, close: () => void (state.closed = true) }, state, controller };
}

async function collect(iterable: AsyncIterable<{ type: string; object: { metadata: { name?: string } } }>) {
  const seen: string[] = [];
  let error: unknown;
  try {
    for await (const { type, object } of iterable) seen.push(`${type} ${object.metadata.name}`);
  } catch (thrown) {
    error = thrown;
  }
  return { seen, error };
}

Deno.test("Events come whole and in order however the bytes are cut", async () => {
  const bytes = encode(
    line("ADDED", pod("größe-日本")) + "\n" + line("MODIFIED", pod("b")) + line("DELETED", pod("🙂")),
  );
  for (const size of [1, 2, 3, 7, 64, bytes.length]) {
    const { stream, controller } = openStream();
    for (let start = 0; start < bytes.length; start += size) controller.enqueue(bytes.slice(start, start + size));
    controller.close();
    const { seen, error } = await collect(readWatch(stream, { clock: new ManualClock(), idleTimeoutMs: 1000 }));
    assert.deepEqual(seen, ["ADDED größe-日本", "MODIFIED b", "DELETED 🙂"]);
    assert.equal(error, undefined);
  }
});

Deno.test("A clean end ends the iteration, without a timer left", async () => {
  const { stream, state, controller } = openStream();
  const clock = new ManualClock();
  controller.close();
  assert.deepEqual(await collect(readWatch(stream, { clock, idleTimeoutMs: 1000 })), { seen: [], error: undefined });
  await settle();
  assert.equal(clock.sleepers, 0);
  assert.ok(state.closed);
});

Deno.test("Silence longer than the limit is a dead connection, and it is closed", async () => {
  const { stream, state, controller } = openStream();
  const clock = new ManualClock();
  const ended = collect(readWatch(stream, { clock, idleTimeoutMs: 1000 }));
  await clock.advance(900);
  controller.enqueue(encode(line("ADDED", pod("a"))));
  await clock.advance(900);
  assert.ok(!state.closed, "what was heard starts the time again");
  await clock.advance(200);
  const { seen, error } = await ended;
  assert.deepEqual(seen, ["ADDED a"]);
  assert.ok(error instanceof KubeError);
  assert.equal(error.kind, "unavailable");
  assert.ok(state.closed && state.cancelled);
});

Deno.test("Leaving the iteration closes the connection", async () => {
  const { stream, state, controller } = openStream();
  controller.enqueue(encode(line("ADDED", pod("a")) + line("ADDED", pod("b"))));
  for await (const _event of readWatch(stream, { clock: new ManualClock(), idleTimeoutMs: 1000 })) break;
  assert.ok(state.closed && state.cancelled);
});

Deno.test("An abort throws the signal's reason", async () => {
  const { stream, state } = openStream();
  const abort = new AbortController();
  const ended = collect(readWatch(stream, { clock: new ManualClock(), idleTimeoutMs: 1000, signal: abort.signal }));
  await settle();
  const reason = new Error("enough");
  abort.abort(reason);
  assert.equal((await ended).error, reason);
  assert.ok(state.closed);
});

for (
  const [name, text, kind] of [
    [
      "an ERROR event of status 410",
      line("ERROR", { kind: "Status", code: 410, reason: "Expired", message: "too old" }),
      "gone",
    ],
    ["an ERROR event of status 500", line("ERROR", { kind: "Status", code: 500, message: "oops" }), "unavailable"],
    ["a line that is not JSON", "upstream timed out\n", "unavailable"],
    ["a line that is no event", '{"kind":"Status"}\n', "unavailable"],
    ["null", "null\n", "unavailable"],
    ["an end within a line", '{"type":"ADDED","obj', "unavailable"],
  ] as const
) {
  Deno.test(`What a watch ends with is sorted by kind: ${name}`, async () => {
    const { stream, state, controller } = openStream();
    controller.enqueue(encode(line("ADDED", pod("a")) + text));
    controller.close();
    const { seen, error } = await collect(readWatch(stream, { clock: new ManualClock(), idleTimeoutMs: 1000 }));
    assert.deepEqual(seen, ["ADDED a"]);
    assert.ok(error instanceof KubeError);
    assert.equal(error.kind, kind);
    assert.ok(state.closed);
  });
}

Deno.test("A dropped connection is unavailability", async () => {
  const { stream, controller } = openStream();
  const ended = collect(readWatch(stream, { clock: new ManualClock(), idleTimeoutMs: 1000 }));
  await settle();
  controller.error(new TypeError("error reading a body from connection"));
  const { error } = await ended;
  assert.ok(error instanceof KubeError);
  assert.equal(error.kind, "unavailable");
});
