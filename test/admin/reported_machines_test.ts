import assert from "node:assert/strict";
import { ReportedMachines } from "../../src/admin/reported_machines.ts";

const names = (count: number) => Array.from({ length: count }, (_, i) => `one-${i}`);

Deno.test("few machines are looked at once each", () => {
  const reported = new ReportedMachines();
  reported.add(["one-0", "one-1"]);
  reported.add(["one-1"]);
  assert.deepEqual(reported.next(), { machines: new Set(["one-0", "one-1"]), isStorm: false });
  assert.deepEqual(reported.next(), { machines: new Set(), isStorm: false });
});

Deno.test("those of a storm are owed a second look, some at a time, once it is over", () => {
  const reported = new ReportedMachines();
  reported.add(names(400));
  const storm = reported.next();
  assert.deepEqual([storm.isStorm, storm.machines.size], [true, 400]);
  for (const machine of storm.machines) reported.owe(machine);
  const seen = [reported.next(), reported.next(), reported.next(), reported.next()].map(({ machines }) =>
    machines.size
  );
  assert.deepEqual(seen, [150, 150, 100, 0]);
});
