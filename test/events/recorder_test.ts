import assert from "node:assert/strict";
import { EventRecorder } from "../../src/events/recorder.ts";
import { seededRandom } from "../../src/random.ts";
import { captureLog } from "../support/captured_log.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

function recorder(write: (path: string, text: string) => void, metadata: Record<string, string> = {}): EventRecorder {
  return new EventRecorder({
    directory: "/work/events",
    write,
    clock: new SimulatedClock(),
    random: seededRandom(1),
    metadata,
  });
}

const now = Date.UTC(2026, 10, 20) / 1000;

Deno.test("a batch is one file under a UUID, with the keys in the legacy plug-in's order", () => {
  const written: [string, string][] = [];
  const events = recorder((...one) => written.push(one), { hf_namespace: "grid", hf_pod: "master-0" });
  events.record([
    { category: "request", id: "req", pairs: { count: 4, template_id: "T" } },
    { category: "pod", id: "req-0", pairs: { status: "created" }, at: 1_795_000_000 },
  ]);
  events.record([]);
  const [[path = "", text = ""] = []] = written;
  assert.equal(written.length, 1, "nothing is not written");
  assert.match(path, /^\/work\/events\/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(
    text,
    `[{"hf_namespace":"grid","hf_pod":"master-0","category":"request","id":"req","count":4,"template_id":"T","timestamp":${now}},` +
      `{"hf_namespace":"grid","hf_pod":"master-0","category":"pod","id":"req-0","status":"created","timestamp":1795000000}]`,
  );
});

Deno.test("an event's own keys win over metadata", () => {
  let text = "";
  recorder((_, written) => text = written, { id: "x", status: "y", category: "z", timestamp: "w" })
    .record([{ category: "pod", id: "req-0", pairs: { status: "ready" } }]);
  assert.deepEqual(JSON.parse(text), [{ category: "pod", id: "req-0", status: "ready", timestamp: now }]);
});

Deno.test("every batch has a name of its own", () => {
  const names = new Set<string>();
  const events = recorder((path) => names.add(path));
  for (let i = 0; i < 1_000; i++) events.record([{ category: "pod", id: "req-0", pairs: { status: "ready" } }]);
  assert.equal(names.size, 1_000);
});

Deno.test("what cannot be written is lost, which is said once, and counted", () => {
  using log = captureLog({ level: "warning" });
  let isFull = true;
  const events = recorder(() => {
    if (isFull) throw new Error("No space left on device");
  });
  for (let i = 0; i < 3; i++) events.record([{ category: "pod", id: `req-${i}`, pairs: { status: "ready" } }]);
  assert.equal(events.lost, 3);
  isFull = false;
  events.record([{ category: "pod", id: "req-3", pairs: { status: "ready" } }]);
  assert.equal(events.lost, 0);
  assert.deepEqual(log.lines, [
    'warning events: Events cannot be recorded, and are lost error="No space left on device"',
    "warning events: Events are recorded again lost=3",
  ]);
});
