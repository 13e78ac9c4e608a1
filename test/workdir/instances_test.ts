import assert from "node:assert/strict";
import { checkInstance, readInstances, recordInstance } from "../../src/workdir/instances.ts";
import { notPermitted } from "../support/memory_files.ts";
import { memoryProvider } from "../support/memory_provider.ts";

Deno.test("the instances that a work directory has served are known in order, each once, the current one last", async () => {
  const { files, workdir } = memoryProvider();
  assert.deepEqual(readInstances(workdir), []);
  for (const name of ["a", "b", "a", "c"]) await recordInstance(workdir, name, () => []);
  assert.deepEqual(readInstances(workdir), ["b", "a", "c"]);
  const writes = files.writes.length;
  await recordInstance(workdir, "c", () => []);
  assert.equal(files.writes.length, writes, "already right: does nothing");
});

Deno.test("a name that was noted outlasts a power failure, and a torn note is none", async () => {
  const { files, workdir } = memoryProvider();
  await recordInstance(workdir, "a", () => []);
  assert.deepEqual(JSON.parse(files.crash("synced").readText("/work/instances.json")), { names: ["a"] });
  files.writeText("/work/instances.json", "{");
  assert.deepEqual(readInstances(workdir), []);
});

Deno.test("where earlier names cannot be read or the new one not be written, that is said, and nothing is lost", async () => {
  const { files, workdir } = memoryProvider();
  await recordInstance(workdir, "a", () => []);
  files.failWhere(({ name }) => name === "readText", notPermitted());
  await assert.rejects(recordInstance(workdir, "b", () => []), {
    message: /Cannot note .*Permission denied/,
    hint: /instances\.json/,
  });
  files.before = () => {};
  assert.deepEqual(readInstances(workdir), ["a"]);
});

Deno.test("where the note of earlier names is lost, those that were seen are noted; else no one looks for them", async () => {
  const { workdir } = memoryProvider();
  await recordInstance(workdir, "b", () => ["a", "b"]);
  assert.deepEqual(readInstances(workdir), ["a", "b"]);
  await recordInstance(workdir, "c", () => assert.fail("all is known"));
});

Deno.test("a work directory serves the instance that it has served, and no other unless that is accepted by name", async () => {
  const { workdir } = memoryProvider();
  const check = (instance: string, options: { accepted?: string; seen?: string[] } = {}) =>
    checkInstance(workdir, instance, { accepted: options.accepted, seen: () => options.seen ?? [] });
  check("a");
  await recordInstance(workdir, "a", () => []);
  check("a");
  assert.throws(() => check("b"), {
    message: "Cannot serve instance 'b' from '/work': its machines are of instance 'a'",
    hint: /^give --instance a, or another --workdir; .* pass --accept-instance b$/,
  });
  assert.throws(() => check("b", { accepted: "c" }), /instance 'a'/);
  check("b", { accepted: "b" });
});

Deno.test("if the note of the instance is lost, the names on pods stand for it", () => {
  const { workdir } = memoryProvider();
  const seen = () => ["a", "b"];
  checkInstance(workdir, "b", { seen, accepted: undefined });
  assert.throws(() => checkInstance(workdir, "c", { seen, accepted: undefined }), /of instance 'a', 'b'/);
});
