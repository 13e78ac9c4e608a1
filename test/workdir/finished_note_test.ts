import assert from "node:assert/strict";
import { readFinishedNote, removeFinishedNote, writeFinishedNote } from "../../src/workdir/finished_note.ts";
import { readRequest } from "../../src/workdir/requests.ts";
import { ask, memoryDependencies } from "../support/memory_dependencies.ts";

const directory = "/work/requests/req";

Deno.test("a finished note is read as it was written, and may be noted again and taken back", async () => {
  const dependencies = memoryDependencies();
  const { workdir } = dependencies;
  await ask(dependencies, "req", 2);
  const before = readRequest(workdir, "req");
  assert.equal(readFinishedNote(workdir, directory), undefined);
  writeFinishedNote(workdir, directory, { endedAt: 1_795_000_000, machines: 2 });
  writeFinishedNote(workdir, directory, { endedAt: 1_795_000_009, machines: 2 });
  assert.deepEqual(readFinishedNote(workdir, directory), { endedAt: 1_795_000_009, machines: 2 });
  assert.deepEqual(readRequest(workdir, "req"), before);
  removeFinishedNote(workdir, directory);
  assert.equal(readFinishedNote(workdir, directory), undefined);
});

for (const target of ["", "1795000000", "x-1", "1-x", "-1-1", "1e9-1", " 1-1", "1-1 "]) {
  Deno.test(`'${target}' is no finished note`, async () => {
    const dependencies = memoryDependencies();
    await ask(dependencies, "req", 1);
    dependencies.files.symlink(target, `${directory}/.ended`);
    assert.equal(readFinishedNote(dependencies.workdir, directory), undefined);
  });
}
