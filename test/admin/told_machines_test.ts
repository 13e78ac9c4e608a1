import assert from "node:assert/strict";
import { ToldMachines } from "../../src/admin/told_machines.ts";

const names = (count: number) => Array.from({ length: count }, (_, i) => `one-${i}`);

Deno.test("few machines are looked at once each", () => {
  const told = new ToldMachines();
  told.add(["one-0", "one-1"]);
  told.add(["one-1"]);
  assert.deepEqual(told.next(), { machines: new Set(["one-0", "one-1"]), isStorm: false });
  assert.deepEqual(told.next(), { machines: new Set(), isStorm: false });
});

Deno.test("those of a storm are owed a second look, some at a time, once it is over", () => {
  const told = new ToldMachines();
  told.add(names(400));
  const storm = told.next();
  assert.deepEqual([storm.isStorm, storm.machines.size], [true, 400]);
  for (const machine of storm.machines) told.owe(machine);
  const seen = [told.next(), told.next(), told.next(), told.next()].map(({ machines }) => machines.size);
  assert.deepEqual(seen, [150, 150, 100, 0]);
});
