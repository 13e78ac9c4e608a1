import assert from "node:assert/strict";
import { KubeError, type KubeErrorKind } from "../../../src/kube/errors.ts";
import { seededRandom } from "../../../src/random.ts";
import { Limiter } from "../../../src/watchers/work/limiter.ts";
import { settled, SimulatedClock } from "../../support/simulated_clock.ts";

function make(limit = 3) {
  const clock = new SimulatedClock();
  let freed = 0;
  const limiter = new Limiter({ clock, random: seededRandom(1) });
  const lane = limiter.lane(limit, () => freed++);
  return { clock, limiter, lane, freed: () => freed };
}

Deno.test("a call takes room in its lane until it ends, and the lane is told when there is room again", async () => {
  const { lane, freed } = make();
  const { promise, resolve } = Promise.withResolvers<void>();
  lane.start(() => promise);
  lane.start(() => promise);
  assert.equal(lane.free, 1);
  resolve();
  await lane.drained();
  assert.equal(lane.free, 3);
  assert.equal(freed(), 2);
});

for (const kind of ["unavailable", "throttled", "unauthorised"] as const) {
  Deno.test(`the cluster's own trouble (${kind}) pauses all; then one call tries, and its success opens all`, async () => {
    const { clock, limiter, lane } = make();
    limiter.failed(new KubeError(kind, "x"));
    assert.equal(lane.free, 0);
    await clock.advance(300);
    assert.equal(lane.free, 1);
    limiter.succeeded();
    assert.equal(lane.free, 3);
  });
}

for (const kind of ["invalid", "quota", "forbidden", "alreadyExists", "notFound", "conflict"] as KubeErrorKind[]) {
  Deno.test(`trouble with one object (${kind}) pauses no other: the cluster answers`, () => {
    const { limiter, lane } = make();
    limiter.failed(new KubeError("unavailable", "x"));
    limiter.failed(new KubeError(kind, "x"));
    assert.equal(lane.free, 3);
  });
}

Deno.test("pauses grow while the cluster stays away, up to a bound, and the calls of one time count once", async () => {
  const { clock, limiter } = make();
  const pauses: number[] = [];
  for (let i = 0; i < 12; i++) {
    for (let call = 0; call < 3; call++) limiter.failed(new KubeError("unavailable", "x"));
    pauses.push(limiter.pausedUntilMs - clock.monotonic());
    await clock.advance(pauses.at(-1)!);
  }
  assert.ok(pauses[0]! <= 250 && pauses[0]! >= 125, `${pauses}`);
  assert.ok(pauses[3]! > pauses[0]! * 2);
  assert.ok(Math.max(...pauses) <= 15_000 && pauses.at(-1)! >= 7_500, `${pauses}`);
});

Deno.test("a wait that the server asked for is kept, whatever succeeds beside it", async () => {
  const { clock, limiter, lane } = make();
  limiter.failed(new KubeError("throttled", "x", { retryAfterMs: 5_000 }));
  limiter.succeeded();
  await clock.advance(4_999);
  assert.equal(lane.free, 0);
  await clock.advance(1);
  assert.equal(lane.free, 3);
});

Deno.test("what is no trouble of the cluster is none", async () => {
  const { limiter, lane } = make();
  limiter.failed(new Error("disk full"));
  await settled();
  assert.equal(lane.free, 3);
});

Deno.test("while the cluster is away, one call of all lanes tries it, and every lane is told when that has ended", async () => {
  const { clock, limiter, lane: creates } = make();
  let told = 0;
  const deletes = limiter.lane(3, () => told++);
  limiter.failed(new KubeError("unavailable", "x"));
  await clock.advance(300);
  const { promise, resolve } = Promise.withResolvers<void>();
  creates.start(() => promise);
  assert.deepEqual([creates.free, deletes.free], [0, 0]);
  limiter.succeeded();
  resolve();
  await creates.drained();
  assert.deepEqual([creates.free, deletes.free, told], [3, 3, 1]);
});

Deno.test("lanes do not take each other's room", () => {
  const { limiter, lane: creates } = make();
  const deletes = limiter.lane(2);
  for (let n = 0; n < 3; n++) creates.start(() => new Promise(() => {}));
  assert.deepEqual([creates.free, deletes.free], [0, 2]);
});

Deno.test("a lane that was held back is told although the call that ends had begun before the cluster went away", async () => {
  const { clock, limiter, lane: creates } = make();
  let told = 0;
  const deletes = limiter.lane(3, () => told++);
  const { promise, resolve } = Promise.withResolvers<void>();
  creates.start(() => promise);
  limiter.failed(new KubeError("unavailable", "x"));
  await clock.advance(300);
  assert.equal(deletes.free, 0);
  limiter.succeeded();
  resolve();
  await creates.drained();
  assert.deepEqual([deletes.free, told], [3, 1]);
  creates.start(() => Promise.resolve());
  await creates.drained();
  assert.equal(told, 1, "once the cluster answers, a lane is told of its own calls alone");
});
