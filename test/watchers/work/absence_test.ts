import assert from "node:assert/strict";
import type { NewEvent } from "../../../src/events/types.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import { Absence } from "../../../src/watchers/work/absence.ts";
import { SimulatedClock } from "../../support/simulated_clock.ts";

function follow() {
  const clock = new SimulatedClock(1_000_000);
  const events: NewEvent[] = [];
  const absence = new Absence("pods", { clock, events: { record: (some) => void events.push(...some) } });
  const fails = (message: string) => absence.failed(new KubeError("unavailable", message));
  return { clock, absence, events, fails };
}

Deno.test("a cluster that fails for longer than a moment is away since the first failure, until it is heard again", () => {
  const { clock, absence, events, fails } = follow();
  fails("connection refused");
  clock.pass(4_999);
  fails("connection refused");
  assert.deepEqual(events, []);
  clock.pass(1);
  fails("The API server answered 503: it does not say why");
  clock.pass(40_000);
  fails("The API server answered 503: it does not say why");
  absence.ends();
  absence.ends();
  assert.deepEqual(events, [
    {
      category: "cluster",
      id: "pods",
      pairs: { status: "away", away_reason: "The API server answered 503: it does not say why" },
      at: 1_000,
    },
    { category: "cluster", id: "pods", pairs: { status: "back" }, at: 1_045 },
  ]);
});

Deno.test("failures with words of the cluster in between make no absence", () => {
  const { clock, absence, events, fails } = follow();
  for (let i = 0; i < 5; i++) {
    fails("connection reset");
    clock.pass(3_000);
    absence.ends();
  }
  assert.deepEqual(events, []);
});

Deno.test("a reason is cut to a length that a line can hold", () => {
  const { clock, events, fails } = follow();
  fails("x".repeat(10_000));
  clock.pass(5_000);
  fails("x".repeat(10_000));
  assert.equal(events[0]?.pairs.away_reason, "x".repeat(200));
});
