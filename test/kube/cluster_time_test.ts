import assert from "node:assert/strict";
import { ClusterTime } from "../../src/kube/cluster_time.ts";

/** The cluster's time at `monotonicMs`, where its clock is `aheadMs` ahead of our monotonic one. */
function dateAt(monotonicMs: number, aheadMs: number): string {
  return new Date(monotonicMs + aheadMs).toUTCString();
}

const EPOCH_MS = Date.UTC(2026, 10, 20);

Deno.test("before any answer, and after answers without a date, the cluster's time is not known", () => {
  const time = new ClusterTime();
  assert.equal(time.at(0), undefined);
  for (const date of [null, "", "yesterday"]) time.heard(date, { askedMs: 0, heardMs: 1 });
  assert.equal(time.at(1), undefined);
});

Deno.test("one answer tells the cluster's time, late by less than a second and the answer's way", () => {
  const time = new ClusterTime();
  const aheadMs = EPOCH_MS + 700;
  time.heard(dateAt(1_010, aheadMs), { askedMs: 1_000, heardMs: 1_020 });
  for (const atMs of [1_020, 500_000]) {
    const lateMs = atMs + aheadMs - time.at(atMs)!;
    assert.ok(lateMs >= 0 && lateMs <= 1_010, `${lateMs} ms late`);
  }
});

Deno.test("many answers tell it better than each, slow ones do no harm, and it never goes back", () => {
  const time = new ClusterTime();
  const aheadMs = EPOCH_MS + 345;
  let last = 0;
  for (let atMs = 0; atMs < 60_000; atMs += 777) {
    const tookMs = atMs % 5 === 0 ? 20_000 : 3;
    time.heard(dateAt(atMs + 2, aheadMs), { askedMs: atMs, heardMs: atMs + tookMs });
    const now = time.at(atMs)!;
    assert.ok(now > last && now <= atMs + aheadMs, "neither back nor early");
    last = now;
  }
  assert.ok(60_000 + aheadMs - time.at(60_000)! < 50);
});

for (const jumpMs of [-600_000, -1_500, 1_500, 600_000]) {
  Deno.test(`a cluster's clock that is set by ${jumpMs} ms is followed with the next answer`, () => {
    const time = new ClusterTime();
    for (let atMs = 0; atMs < 10_000; atMs += 333) {
      time.heard(dateAt(atMs, EPOCH_MS), { askedMs: atMs, heardMs: atMs + 1 });
    }
    time.heard(dateAt(10_000, EPOCH_MS + jumpMs), { askedMs: 10_000, heardMs: 10_001 });
    const lateMs = 10_001 + EPOCH_MS + jumpMs - time.at(10_001)!;
    assert.ok(lateMs >= 0 && lateMs <= 1_001, `${lateMs} ms late`);
  });
}
