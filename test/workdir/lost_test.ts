import assert from "node:assert/strict";
import { addLost, dropLost, readLost, writeLost } from "../../src/workdir/lost.ts";
import { memoryProvider } from "../support/memory_provider.ts";

Deno.test("nothing is known until it has been written whole; then machines come and go", () => {
  const { workdir } = memoryProvider();
  addLost(workdir, "a-0");
  dropLost(workdir, ["a-0"]);
  assert.equal(readLost(workdir), undefined);
  writeLost(workdir, ["a-0", "a-1"]);
  addLost(workdir, "a-2");
  addLost(workdir, "a-2");
  dropLost(workdir, ["a-0", "b-0"]);
  assert.deepEqual(readLost(workdir)?.sort(), ["a-1", "a-2"]);
  writeLost(workdir, ["a-2", "a-3"]);
  assert.deepEqual(readLost(workdir)?.sort(), ["a-2", "a-3"]);
});
