import assert from "node:assert/strict";
import fc from "fast-check";
import { shareFairly } from "../../../src/watchers/requests/fair_share.ts";

const shares: [
  what: string,
  requests: [ready: number, inFlight: number][],
  limit: number,
  free: number,
  given: number[],
][] = [
  ["nobody asks", [], 8, 8, []],
  ["nothing is ready", [[0, 3], [0, 0]], 8, 5, [0, 0]],
  ["one alone gets all", [[20, 0]], 8, 8, [8]],
  ["no more than there is to do", [[3, 0]], 8, 8, [3]],
  ["the oldest gets half, the next the other half", [[20, 0], [20, 0]], 8, 8, [4, 4]],
  ["the others share theirs", [[20, 0], [20, 0], [20, 0]], 8, 8, [4, 2, 2]],
  ["what the oldest does not need is the others'", [[1, 0], [20, 0]], 8, 8, [1, 7]],
  ["what the others do not need is the oldest's", [[20, 0], [1, 0]], 8, 8, [7, 1]],
  ["one that has nothing under way comes before one that has", [[20, 4], [20, 3], [20, 0]], 8, 1, [0, 0, 1]],
  ["the oldest catches up first", [[20, 1], [20, 7]], 8, 2, [2, 0]],
  ["a single one is the oldest's first", [[20, 0], [20, 0]], 1, 1, [1, 0]],
];
for (const [what, requests, limit, free, given] of shares) {
  Deno.test(`limiter are shared: ${what}`, () => {
    assert.deepEqual(
      shareFairly(requests.map(([ready, inFlight]) => ({ ready, inFlight, lastStart: 0 })), { limit, free }),
      given,
    );
  });
}

Deno.test("whoever asks, no slot is idle while there is work, none is given twice, and the oldest gets its half", () => {
  const request = fc.record({ ready: fc.nat(40), inFlight: fc.nat(6), lastStart: fc.nat(9) });
  fc.assert(fc.property(fc.array(request, { maxLength: 12 }), fc.integer({ min: 2, max: 64 }), (requests, limit) => {
    const inFlight = requests.reduce((sum, one) => sum + one.inFlight, 0);
    const free = Math.max(0, limit - inFlight);
    const given = shareFairly(requests, { limit, free });
    const work = requests.reduce((sum, one) => sum + one.ready, 0);
    assert.equal(given.reduce((sum, one) => sum + one, 0), Math.min(free, work));
    for (const [i, one] of requests.entries()) assert.ok((given[i] ?? 0) <= one.ready);
    const oldest = requests.findIndex(({ ready }) => ready > 0);
    if (oldest < 0) return;
    const fair = Math.min(
      requests[oldest]!.ready,
      free,
      Math.max(0, Math.ceil(limit / 2) - requests[oldest]!.inFlight),
    );
    assert.ok((given[oldest] ?? 0) >= fair);
  }));
});

Deno.test("however many ask, no one starves", () => {
  fc.assert(fc.property(fc.integer({ min: 2, max: 10 }), fc.integer({ min: 1, max: 16 }), (count, limit) => {
    const requests = Array.from({ length: count }, () => ({ ready: 1_000, inFlight: 0, lastStart: 0 }));
    const served = requests.map(() => 0);
    for (let round = 0; round < 200; round++) {
      const inFlight = requests.reduce((sum, one) => sum + one.inFlight, 0);
      for (const [i, n] of shareFairly(requests, { limit, free: limit - inFlight }).entries()) {
        requests[i]!.inFlight += n;
        if (n > 0) requests[i]!.lastStart = round + 1;
        served[i]! += n;
      }
      // One call after the other ends, in turn.
      const ending = requests.map((_, i) => (i + round) % count).find((i) => requests[i]!.inFlight > 0) ?? 0;
      requests[ending]!.inFlight--;
    }
    assert.ok(served.every((n) => n > 0), `${served}`);
  }));
});

Deno.test("of a single slot the oldest has every second turn, and the others have theirs one after the other", () => {
  const requests = Array.from({ length: 4 }, () => ({ ready: 1_000, inFlight: 0, lastStart: 0 }));
  const turns: number[] = [];
  for (let turn = 1; turn <= 12; turn++) {
    const chosen = shareFairly(requests, { limit: 1, free: 1 }).indexOf(1);
    requests[chosen]!.lastStart = turn;
    turns.push(chosen);
  }
  assert.deepEqual(turns, [0, 1, 0, 2, 0, 3, 0, 1, 0, 2, 0, 3]);
});
