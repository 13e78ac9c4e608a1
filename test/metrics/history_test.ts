import assert from "node:assert/strict";
import { History } from "../../src/metrics/history.ts";

Deno.test("samples are ten seconds apart at first, then a minute, and six hours old at most", () => {
  const history = new History();
  for (let now = 0; now <= 8 * 3_600; now += 5) history.sample({ running: now }, now);
  const times = history.machines.map(({ at }) => at);
  const apart = times.slice(1).map((at, i) => at - (times[i] ?? 0));
  assert.equal(times.at(-1), 8 * 3_600);
  assert.ok(times[0]! >= 2 * 3_600 && times[0]! < 2 * 3_600 + 120, String(times[0]));
  assert.ok(apart.every((seconds) => seconds >= 10 && seconds <= 70), String(apart));
  assert.ok(times.length < 460, String(times.length));
});

Deno.test("times to running are told by the minute: half of them, and 19 of 20", () => {
  const history = new History();
  for (let i = 1; i <= 100; i++) history.started(i, 10);
  assert.deepEqual(history.starts, [{ at: 10, machines: 100, median: 51, p95: 96 }]);
  history.started(7, 75);
  assert.deepEqual(history.starts.map(({ at, machines }) => [at, machines]), [[10, 100], [75, 1]]);
  history.sample({}, 75 + 7 * 3_600);
  assert.deepEqual(history.starts.map(({ at }) => at), [75]);
});

Deno.test("what was before the process is put before its own samples, and goes like them", () => {
  const history = new History();
  history.sample({ running: 3 }, 1_020);
  history.started(5, 1_020);
  history.prepend({
    machines: [{ at: 900, counts: { pending: 1 } }, { at: 960, counts: { running: 1 } }, { at: 1_080, counts: {} }],
    starts: [{ at: 960, seconds: [2, 4, 9] }],
  });
  assert.deepEqual(history.machines.map(({ at }) => at), [900, 960, 1_020]);
  assert.deepEqual(history.starts, [{ at: 960, machines: 3, median: 4, p95: 9 }, {
    at: 1_020,
    machines: 1,
    median: 5,
    p95: 5,
  }]);
  history.sample({}, 1_000 + 6 * 3_600);
  assert.deepEqual(history.machines.map(({ at }) => at), [1_020, 1_000 + 6 * 3_600]);
});
