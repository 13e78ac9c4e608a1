import assert from "node:assert/strict";
import { noTimings, timingsOf } from "../../src/admin/timings.ts";
import type { RecordedEvent } from "../../src/events/recorded.ts";

function status(id: string, value: string, timestamp: number): RecordedEvent {
  return { category: "pod", id, type: "status", value, timestamp };
}

function template(id: string, value: string): RecordedEvent {
  return { category: "pod", id, type: "template_id", value, timestamp: 0 };
}

Deno.test("of each machine it is the first time in either state that counts, in whatever order events come", () => {
  const events = [
    status("a", "running", 9),
    status("a", "running", 5),
    status("a", "created", 3),
    status("a", "created", 1),
    template("a", "T"),
  ];
  const { all, templates } = timingsOf(events, { from: "created", to: "running" });
  assert.deepEqual(templates.map(({ templateId, machines, average }) => [templateId, machines, average]), [[
    "T",
    1,
    4,
  ]]);
  assert.equal(all?.average, 4);
});

Deno.test("percentiles are times that a machine has taken, for each template and for all", () => {
  const events = Array.from({ length: 100 }, (_, i) => [
    template(`m${i}`, i < 90 ? "small" : "large"),
    status(`m${i}`, "requested", 0),
    status(`m${i}`, "ready", i + 1),
  ]).flat();
  const { all, templates } = timingsOf(events, { from: "requested", to: "ready" });
  assert.deepEqual(all, { templateId: "all", machines: 100, average: 50.5, p50: 50, p90: 90, p99: 99, longest: 100 });
  assert.deepEqual(templates.map(({ templateId, p50 }) => [templateId, p50]), [["large", 95], ["small", 45]]);
});

Deno.test("machines that were not in both states are left out", () => {
  const { all } = timingsOf([status("a", "created", 1), status("b", "running", 2)], { from: "created", to: "running" });
  assert.equal(all, undefined);
});

Deno.test("where there is nothing to tell, it is said why, and what was probably meant", () => {
  const states = ["created", "running"];
  const asked = { from: "created", templates: undefined };
  assert.match(noTimings({ ...asked, to: "running" }, []).message, /nothing is recorded of them$/);
  const misspelt = noTimings({ ...asked, to: "raedy" }, states);
  assert.match(misspelt.message, /from 'created' to 'raedy': none of them was ever 'raedy'$/);
  assert.equal(misspelt.hint, "did you mean 'ready'?");
  assert.equal(noTimings({ ...asked, to: "ready" }, states).hint, "the states that are recorded: created, running");
  const both = noTimings({ from: "created", to: "running", templates: ["T"] }, states);
  assert.equal(
    both.message,
    "Cannot tell how long machines of T take from 'created' to 'running': none of them was in both states",
  );
});
