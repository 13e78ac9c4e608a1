import assert from "node:assert/strict";
import { LeftoversSweeper } from "../../src/watchers/leftovers.ts";
import { memoryWatching } from "../support/memory_watching.ts";

Deno.test("only what is hidden, new-made and old is removed", async () => {
  const watching = memoryWatching();
  const { files, clock } = watching;
  files.makeDirectory("/work/requests/.new-old/deep");
  files.writeText("/work/pods/.new-old", "");
  files.symlink("running", "/work/pods-status/.new-old");
  files.writeText("/work/pods/kept-0", "");
  files.writeText("/work/pods/.other", "");
  await clock.advance(11 * 60_000);
  files.writeText("/work/pods/.new-fresh", "");
  await new LeftoversSweeper(watching).step(watching.stopping);
  const left = Object.keys(files.tree("/work")).filter((path) => !path.endsWith("/"));
  assert.deepEqual(left, ["pods/.new-fresh", "pods/.other", "pods/kept-0"]);
});
