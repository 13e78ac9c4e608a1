import assert from "node:assert/strict";
import { writeFinishedNote } from "../../../src/workdir/finished_note.ts";
import { TemporaryFilesWatcher } from "../../../src/watchers/gc/temporary_files.ts";
import { notPermitted } from "../../support/memory_files.ts";
import { ask, giveBack, memoryDependencies, run } from "../../support/memory_dependencies.ts";

Deno.test("only what is hidden, new-made and old is removed", async () => {
  const dependencies = memoryDependencies();
  const { files, clock } = dependencies;
  files.writeText("/work/.new-old", "");
  files.makeDirectory("/work/requests/.new-old/deep");
  files.writeText("/work/pods/.new-old", "");
  files.makeDirectory("/work/notified/a");
  files.symlink("up", "/work/notified/a/.new-old");
  files.symlink("running", "/work/pods-status/.new-old");
  files.writeText("/work/pods/kept-0", "");
  files.writeText("/work/pods/.other", "");
  const sweeper = new TemporaryFilesWatcher(dependencies);
  await run(sweeper, dependencies, 61_000);
  await clock.advance(11 * 60_000);
  files.writeText("/work/pods/.new-fresh", "");
  files.hardLink("/work/pods/kept-0", "/work/pods/.new-looks-old");
  await sweeper.step(dependencies.stopping);
  const left = Object.keys(files.tree("/work")).filter((path) => /^(pods|requests|notified|\.)/.test(path));
  assert.deepEqual(left.filter((path) => !path.endsWith("/")), [
    "pods/.new-fresh",
    "pods/.new-looks-old",
    "pods/.other",
    "pods/kept-0",
  ]);
});

Deno.test("also inside requests and return requests, whether they were handled or not", async () => {
  const dependencies = memoryDependencies();
  const { files } = dependencies;
  for (const id of ["open", "handled"]) {
    await ask(dependencies, id, 1);
    await giveBack(dependencies, `${id}-ret`, `${id}-0`);
    for (const path of [`requests/${id}`, `return-requests/${id}-ret`]) {
      files.writeText(`/work/${path}/.new-old`, "");
      if (id === "handled") files.writeText(`/work/${path}/.processed`, "");
    }
  }
  const sweeper = new TemporaryFilesWatcher(dependencies);
  await run(sweeper, dependencies, 1_000); // Nothing is old yet.
  assert.equal(Object.keys(files.tree("/work")).filter((path) => path.includes(".new-")).length, 4);
  await run(sweeper, dependencies, 35 * 60_000);
  assert.deepEqual(Object.keys(files.tree("/work")).filter((path) => path.includes(".new-")), []);
  // What has come to its end goes as a whole, and is not looked at again.
  writeFinishedNote(dependencies.workdir, "/work/requests/handled", { endedAt: 1, machines: 1 });
  const lists: string[] = [];
  files.before = ({ name, paths }) => void (name === "list" && lists.push(paths[0]!));
  await run(sweeper, dependencies, 21 * 60_000);
  assert.ok(lists.includes("/work/requests/open"));
  assert.ok(!lists.includes("/work/requests/handled"));
});

Deno.test("names that vanish meanwhile and directories that cannot be read hold up no other", async () => {
  const dependencies = memoryDependencies();
  const { files, clock } = dependencies;
  for (const directory of ["requests", "pods", "machines"]) files.writeText(`/work/${directory}/.new-old`, "");
  const sweeper = new TemporaryFilesWatcher(dependencies);
  await run(sweeper, dependencies, 61_000);
  await clock.advance(11 * 60_000);
  files.before = ({ name, paths }) => {
    if (name === "list" && paths[0] === "/work/requests") throw notPermitted();
    if (name === "info" && paths[0] === "/work/pods/.new-old") {
      files.before = () => {};
      files.remove("/work/pods/.new-old");
    }
  };
  await sweeper.step(dependencies.stopping);
  assert.deepEqual(Object.keys(files.tree("/work")).filter((path) => path.includes(".new-")), ["requests/.new-old"]);
});

Deno.test("in the first minute of a process, which has enough to do, nothing is looked through", async () => {
  const dependencies = memoryDependencies();
  let lists = 0;
  dependencies.files.before = ({ name }) => lists += name === "list" ? 1 : 0;
  const sweeper = new TemporaryFilesWatcher(dependencies);
  await run(sweeper, dependencies, 59_000);
  assert.equal(lists, 0);
  await run(sweeper, dependencies, 5_000);
  assert.ok(lists > 5);
});
