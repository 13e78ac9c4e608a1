import assert from "node:assert/strict";
import type { NewEvent } from "../../src/events/types.ts";
import { seededRandom } from "../../src/random.ts";
import { recordIo } from "../../src/verbs/input_and_output.ts";

function recorded(verb: string, output: object): NewEvent[] {
  const told: NewEvent[] = [];
  const events = { record: (some: readonly NewEvent[]) => void told.push(...some) };
  recordIo({ events, random: seededRandom(1) }, verb, { input: { a: 1 }, output });
  return told;
}

Deno.test("what a verb was asked and answered is an event of the request whose id it answered", () => {
  const output = { message: "Success", requestId: "req" };
  const event = { category: "request", id: "req", pairs: { input: { a: 1 }, output } };
  assert.deepEqual(recorded("request-machines", output), [event]);
});

Deno.test("where there is no such id, it has one of its own", () => {
  const [event] = recorded("get-available-templates", { templates: [] });
  assert.equal(event?.category, "template");
  assert.match(event?.id ?? "", /^[a-z0-9]{12}$/);
});

Deno.test("no other command is recorded", () => {
  assert.deepEqual(recorded("lint", {}), []);
});
