import assert from "node:assert/strict";
import { MACHINE_STATES } from "../../src/hf/status.ts";
import { readState, readTombstone, writeFirstState, writeState, writeTombstone } from "../../src/workdir/machines.ts";
import type { Tombstone } from "../../src/machine/tombstone.ts";
import { memoryProvider } from "../support/memory_provider.ts";

Deno.test("every state is read as it was written, as the target of a link", () => {
  const { files, workdir } = memoryProvider();
  for (const state of MACHINE_STATES) {
    writeState(workdir, "a-0", state);
    assert.equal(readState(workdir, "a-0"), state);
    assert.deepEqual(files.tree("/work/pods-status"), { "a-0": `-> ${state}` });
  }
});

Deno.test("a state that is there already is not written again", () => {
  const { files, workdir } = memoryProvider();
  writeState(workdir, "a-0", "running");
  const writes = files.writes.length;
  writeState(workdir, "a-0", "running");
  assert.equal(files.writes.length, writes);
});

Deno.test("a path is read by its last name; no link and no state that we know are nothing", () => {
  const { files, workdir } = memoryProvider();
  files.symlink("/elsewhere/pods-status/running", "/work/pods-status/path-0");
  files.symlink("resting", "/work/pods-status/odd-0");
  assert.equal(readState(workdir, "path-0"), "running");
  assert.equal(readState(workdir, "odd-0"), undefined);
  assert.equal(readState(workdir, "none-0"), undefined);
});

Deno.test("the first state is written only where there is none", () => {
  const { workdir } = memoryProvider();
  writeFirstState(workdir, "a-0");
  assert.equal(readState(workdir, "a-0"), "creating");
  writeState(workdir, "a-0", "running");
  writeFirstState(workdir, "a-0");
  assert.equal(readState(workdir, "a-0"), "running");
});

const record: Tombstone = { up: true, returned: false, givenUp: false, message: "why", uid: "u", launchtime: 5 };

Deno.test("what was noted of a machine is read as it was; a torn note is none", () => {
  const { files, workdir } = memoryProvider();
  assert.equal(readTombstone(workdir, "a-0"), undefined);
  writeTombstone(workdir, "a-0", record);
  assert.deepEqual(readTombstone(workdir, "a-0"), record);
  writeTombstone(workdir, "a-0", { ...record, succeeded: true });
  assert.deepEqual(readTombstone(workdir, "a-0"), { ...record, succeeded: true });
  files.writeText("/work/machines/a-0", '{"up":tr');
  assert.equal(readTombstone(workdir, "a-0"), undefined);
});
