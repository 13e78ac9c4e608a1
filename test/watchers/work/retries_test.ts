import assert from "node:assert/strict";
import { Retries } from "../../../src/watchers/work/retries.ts";
import { memoryDependencies } from "../../support/memory_dependencies.ts";

function make() {
  const dependencies = memoryDependencies();
  const said: string[] = [];
  const retries = new Retries(dependencies, { failed: (key) => said.push(key) }, { by: "test", pathOf: (key) => key });
  const broken = () => [...dependencies.workdir.broken.all.values()].map(({ path }) => path);
  return { retries, said, broken };
}

/** Throws this error. */
function fails(error: Error): () => never {
  return () => {
    throw error;
  };
}

const refused = new Deno.errors.PermissionDenied("it is another's");
const vanished = new Deno.errors.NotFound("it is not there");

Deno.test("what does not work is broken and waits until it works, or has vanished", async () => {
  const { retries, said, broken } = make();
  for (const mended of [() => {}, fails(vanished)]) {
    assert.equal(retries.attempt("/work/a", fails(refused)), false);
    assert.equal(retries.waits("/work/a"), true);
    assert.deepEqual(broken(), ["/work/a"]);
    assert.equal(retries.attempt("/work/a", mended), true);
    assert.equal(retries.waits("/work/a"), false);
    assert.deepEqual(broken(), []);
  }
  assert.equal(await retries.attemptAsync("/work/a", () => Promise.reject(refused)), false);
  assert.deepEqual(broken(), ["/work/a"]);
  assert.equal(await retries.attemptAsync("/work/a", () => Promise.resolve()), true);
  assert.deepEqual(broken(), []);
  assert.deepEqual(said, ["/work/a", "/work/a", "/work/a"]);
});
