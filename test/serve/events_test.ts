import assert from "node:assert/strict";
import { storageOf } from "../../src/serve/events.ts";

const storage = { skipEvents: true, rotateEvents: true, hangUps: () => 0 };
const limitsOf = (given: { retainEvents?: number; retainEventsSize?: number }) => {
  const { ours, others } = storageOf({ workdir: "/work" }, { ...storage, ...given }).retention ?? {};
  return { ours, others };
};
const GIB = 2 ** 30;

Deno.test("databases that we began have limits by default, the legacy plug-in's only those that are given", () => {
  assert.deepEqual(limitsOf({}), {
    ours: { retainSeconds: 90 * 86_400, mostBytes: GIB },
    others: { retainSeconds: Infinity, mostBytes: Infinity },
  });
  assert.deepEqual(limitsOf({ retainEvents: 60 }), {
    ours: { retainSeconds: 60, mostBytes: GIB },
    others: { retainSeconds: 60, mostBytes: Infinity },
  });
  assert.deepEqual(limitsOf({ retainEventsSize: 1 }), {
    ours: { retainSeconds: 90 * 86_400, mostBytes: 2 ** 20 },
    others: { retainSeconds: Infinity, mostBytes: 2 ** 20 },
  });
});
