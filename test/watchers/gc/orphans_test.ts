import assert from "node:assert/strict";
import { Orphans } from "../../../src/watchers/gc/orphans.ts";
import { Retries } from "../../../src/watchers/work/retries.ts";
import { writeState, writeTombstone } from "../../../src/workdir/machines.ts";
import { ask, memoryDependencies } from "../../support/memory_dependencies.ts";

const HOUR_MS = 3_600_000;

Deno.test("what is left of machines without a request goes after a day, and nothing of one with a pod or a request", async () => {
  const dependencies = memoryDependencies();
  const { workdir, files } = dependencies;
  const record = { up: true, returned: false, givenUp: false, message: "" };
  await ask(dependencies, "here", 1);
  for (const name of ["here-0", "gone-0", "pod-0", "back-0", "returning-0"]) {
    writeState(workdir, name, "deleted");
    writeTombstone(workdir, name, record);
  }
  writeState(workdir, "alive-0", "running");
  writeState(workdir, "killed-0", "creating");
  files.writeText("/work/pods/pod-0", "{}");
  files.writeText("/work/machines/README", "");
  files.makeDirectory("/work/lost");
  files.writeText("/work/lost/gone-0", "");
  const orphans = new Orphans(workdir, {
    retainSeconds: 7 * 24 * 3_600,
    isBeingReturned: (machine) => machine === "returning-0",
    retries: new Retries(dependencies, { failed() {} }),
  });
  const look = (hours: number) => {
    orphans.begin(hours * HOUR_MS);
    while (orphans.size > 0) orphans.step(hours * HOUR_MS);
    return [...workdir.names("/work/pods-status"), ...workdir.names("/work/lost")].sort();
  };
  for (let hours = 0; hours < 20; hours++) look(hours);
  await ask(dependencies, "back", 1);
  for (let hours = 20; hours < 24; hours++) assert.equal(look(hours).length, 8);
  files.removeTree("/work/requests/back");
  assert.deepEqual(look(24), ["alive-0", "back-0", "here-0", "pod-0", "returning-0"]);
  assert.deepEqual(workdir.names("/work/machines").sort(), ["README", "back-0", "here-0", "pod-0", "returning-0"]);
  for (let hours = 25; hours <= 48; hours++) look(hours);
  assert.deepEqual(look(49), ["alive-0", "here-0", "pod-0", "returning-0"]);
});
