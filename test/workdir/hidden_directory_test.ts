import assert from "node:assert/strict";
import { hiddenId, hide, isHidden } from "../../src/workdir/hidden_directory.ts";
import { readRequest } from "../../src/workdir/requests.ts";
import { ask, memoryDependencies } from "../support/memory_dependencies.ts";

Deno.test("a request that is hidden is there for no one, but for who removes it", async () => {
  const dependencies = memoryDependencies();
  const { workdir, files } = dependencies;
  await ask(dependencies, "req", 1);
  files.makeDirectory("/work/requests/.new-x");
  const hidden = hide(workdir, "/work/requests/req");
  assert.equal(readRequest(workdir, "req"), undefined);
  assert.deepEqual(workdir.names("/work/requests"), []);
  assert.deepEqual(files.list("/work/requests").map(({ name }) => name).filter(isHidden), [".old-req"]);
  assert.equal(hidden, "/work/requests/.old-req");
  assert.equal(hiddenId(hidden), "req");
});
