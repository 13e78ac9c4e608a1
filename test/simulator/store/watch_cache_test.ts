import assert from "node:assert/strict";
import { integerBetween, seededRandom } from "../../../src/random.ts";
import { ApiError } from "../../../src/simulator/protocol/status.ts";
import { Revisions } from "../../../src/simulator/store/revisions.ts";
import { Store } from "../../../src/simulator/store/store.ts";
import type { Stored } from "../../../src/simulator/store/stored.ts";

function newStore(historyLimit = 1000) {
  return new Store<Stored & { value?: number }>(new Revisions(), { historyLimit, now: () => 0 });
}

Deno.test("every past revision that is remembered can be listed as it was", () => {
  const seed = 3;
  const random = seededRandom(seed);
  const store = newStore();
  const { cache } = store;
  const states = new Map<number, string>();
  for (let step = 0; step < 300; step++) {
    const metadata = { namespace: "n", name: `o${integerBetween(random, 0, 9)}` };
    if (random.next() < 0.3) store.remove({ metadata });
    else store.put({ metadata, value: step });
    states.set(cache.revision, JSON.stringify(cache.at(cache.revision)));
  }
  for (const [revision, state] of states) {
    assert.equal(JSON.stringify(cache.at(revision)), state, `seed ${seed}, revision ${revision}`);
  }
});

Deno.test("history is bounded: what is older is answered with 410", () => {
  const store = newStore(100);
  const { cache } = store;
  const start = cache.revision;
  for (let step = 0; step < 1000; step++) store.put({ metadata: { name: "o" }, value: step });
  assert.throws(() => cache.changesAfter(start), (error) => error instanceof ApiError && error.code === 410);
  const recent = cache.changesAfter(cache.revision - 100);
  assert.deepEqual(recent.map(({ object }) => object.value), Array.from({ length: 100 }, (_, step) => 900 + step));
});

Deno.test("compaction forgets everything but the present", () => {
  const store = newStore();
  const { cache } = store;
  store.put({ metadata: { name: "a" } });
  const before = cache.revision;
  store.put({ metadata: { name: "b" } });
  cache.compact();
  assert.throws(() => cache.at(before), /too old resource version/);
  assert.equal(cache.at(cache.revision).length, 2);
  assert.deepEqual(cache.changesAfter(cache.revision), []);
});
