import assert from "node:assert/strict";
import {
  hiddenId,
  hide,
  isHidden,
  readFinishedNote,
  removeFinishedNote,
  writeFinishedNote,
} from "../../src/workdir/end.ts";
import { readRequest } from "../../src/workdir/requests.ts";
import { ask, memoryDependencies } from "../support/memory_dependencies.ts";

const directory = "/work/requests/req";

Deno.test("an end is read as it was noted, and may be noted again and taken back", async () => {
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
  Deno.test(`'${target}' is no end`, async () => {
    const dependencies = memoryDependencies();
    await ask(dependencies, "req", 1);
    dependencies.files.symlink(target, `${directory}/.ended`);
    assert.equal(readFinishedNote(dependencies.workdir, directory), undefined);
  });
}

Deno.test("a request that is hidden is there for no one, but for who removes it", async () => {
  const dependencies = memoryDependencies();
  const { workdir, files } = dependencies;
  await ask(dependencies, "req", 1);
  files.makeDirectory("/work/requests/.new-x");
  const hidden = hide(workdir, directory);
  assert.equal(readRequest(workdir, "req"), undefined);
  assert.deepEqual(workdir.names("/work/requests"), []);
  assert.deepEqual(files.list("/work/requests").map(({ name }) => name).filter(isHidden), [".old-req"]);
  assert.equal(hidden, "/work/requests/.old-req");
  assert.equal(hiddenId(hidden), "req");
});
