import assert from "node:assert/strict";
import { addLost, dropLost, readLost, writeLost } from "../../src/workdir/lost.ts";
import { atOnce } from "../support/at_once.ts";
import { memoryProvider } from "../support/memory_provider.ts";

Deno.test("nothing is known until it has been written whole; then machines come and go", async () => {
  const { workdir } = memoryProvider();
  addLost(workdir, "a-0");
  await dropLost(workdir, ["a-0"], atOnce);
  assert.equal(readLost(workdir), undefined);
  await writeLost(workdir, ["a-0", "a-1"], atOnce);
  addLost(workdir, "a-2");
  addLost(workdir, "a-2");
  await dropLost(workdir, ["a-0", "b-0"], atOnce);
  assert.deepEqual(readLost(workdir)?.sort(), ["a-1", "a-2"]);
  await writeLost(workdir, ["a-2", "a-3"], atOnce);
  assert.deepEqual(readLost(workdir)?.sort(), ["a-2", "a-3"]);
});
