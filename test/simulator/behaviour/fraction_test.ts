import assert from "node:assert/strict";
import { seededRandom } from "../../../src/random.ts";
import { fractionOf } from "../../../src/simulator/behaviour/fraction.ts";
import { drawUid } from "../../../src/simulator/store/identifier.ts";

const random = seededRandom(9);
const uids = Array.from({ length: 2000 }, () => drawUid(random));

Deno.test("fractions are the same each time, and spread evenly", () => {
  const fractions = uids.map((uid) => fractionOf(uid, "a"));
  assert.deepEqual(uids.map((uid) => fractionOf(uid, "a")), fractions);
  for (let decile = 0; decile < 10; decile++) {
    const count = fractions.filter((fraction) => fraction >= decile / 10 && fraction < (decile + 1) / 10).length;
    assert.ok(count > 150 && count < 250, `${count} of 2000 in tenth ${decile}`);
  }
});

Deno.test("another salt selects another half", () => {
  const both = uids.filter((uid) => fractionOf(uid, "a") < 0.5 && fractionOf(uid, "b") < 0.5).length;
  assert.ok(both > 430 && both < 570, `${both} of 2000 in both halves`);
});
