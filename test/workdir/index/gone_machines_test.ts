import assert from "node:assert/strict";
import { addGone, dropGone, readGone, writeGone } from "../../../src/workdir/index/gone_machines.ts";
import { atOnce } from "../../support/at_once.ts";
import { memoryProvider } from "../../support/memory_provider.ts";

Deno.test("nothing is known until it has been written whole; then machines come and go", async () => {
  const { workdir } = memoryProvider();
  addGone(workdir, "a-0");
  await dropGone(workdir, ["a-0"], atOnce);
  assert.equal(readGone(workdir), undefined);
  await writeGone(workdir, ["a-0", "a-1"], atOnce);
  addGone(workdir, "a-2");
  addGone(workdir, "a-2");
  await dropGone(workdir, ["a-0", "b-0"], atOnce);
  assert.deepEqual(readGone(workdir)?.sort(), ["a-1", "a-2"]);
  await writeGone(workdir, ["a-2", "a-3"], atOnce);
  assert.deepEqual(readGone(workdir)?.sort(), ["a-2", "a-3"]);
});
