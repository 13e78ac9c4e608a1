import assert from "node:assert/strict";
import { seededRandom } from "../../src/random.ts";
import { isTaken, publish } from "../../src/workdir/publish.ts";
import { Workdir } from "../../src/workdir/workdir.ts";
import { MemoryFiles, noSpace } from "../support/memory_files.ts";

function make(): { files: MemoryFiles; workdir: Workdir } {
  const files = new MemoryFiles();
  files.makeDirectory("/work/parent");
  return { files, workdir: new Workdir("/work", { files, random: seededRandom(1) }) };
}

Deno.test("a directory that cannot be filled is not there, nor anything of it", () => {
  const { files, workdir } = make();
  const error = new Error("no");
  const fill = (directory: string) => {
    files.writeText(`${directory}/half`, "");
    throw error;
  };
  assert.throws(() => publish(workdir, "/work/parent/x", fill), {
    message: "Cannot write '/work/parent/x': no",
    cause: error,
  });
  assert.deepEqual(files.tree("/work"), { "parent/": "" });
});

Deno.test("a name that is taken is told from other trouble, and what has it stays as it is", () => {
  const { files, workdir } = make();
  const fill = (text: string) => (directory: string) => files.writeText(`${directory}/file`, text);
  publish(workdir, "/work/parent/x", fill("first"));
  assert.throws(() => publish(workdir, "/work/parent/x", fill("second")), isTaken);
  assert.deepEqual(files.tree("/work"), { "parent/x/file": "first" });
  for (const error of [noSpace(), new Deno.errors.NotFound(), undefined]) assert.ok(!isTaken(error));
});

Deno.test("what the first error says is not hidden by that of the cleaning up", () => {
  const { files, workdir } = make();
  files.failWhere(({ name }) => name === "rename" || name === "removeTree", noSpace());
  assert.throws(() => publish(workdir, "/work/parent/x", () => {}), { message: /No space left/, hint: /has room/ });
});
