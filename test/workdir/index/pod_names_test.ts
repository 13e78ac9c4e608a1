import assert from "node:assert/strict";
import { PodNames } from "../../../src/workdir/index/pod_names.ts";
import { noDescriptors } from "../../support/memory_files.ts";
import { memoryProvider } from "../../support/memory_provider.ts";

function make() {
  const { files, workdir, clock } = memoryProvider();
  const names = new PodNames(workdir);
  const look = () => {
    names.refresh(clock.now());
    return { names: [...names.all].sort().join(), revision: names.revision };
  };
  return { files, clock, look, pod: (name: string) => workdir.write(workdir.layout.pod(name), "{}") };
}

Deno.test("names are listed again once the directory has changed, and once a minute", async () => {
  const { clock, look, pod } = make();
  pod("a-0");
  await clock.advance(5_000);
  assert.deepEqual(look(), { names: "a-0", revision: 1 });
  await clock.advance(50_000);
  assert.deepEqual(look(), { names: "a-0", revision: 1 });
  pod("b-0");
  assert.deepEqual(look(), { names: "a-0,b-0", revision: 2 });
  await clock.advance(5_000);
  assert.deepEqual(look(), { names: "a-0,b-0", revision: 3 }, "a change may have hidden behind the same time");
  await clock.advance(5_000);
  assert.deepEqual(look(), { names: "a-0,b-0", revision: 3 });
  await clock.advance(60_000);
  assert.deepEqual(look(), { names: "a-0,b-0", revision: 4 });
});

Deno.test("a pod file that is replaced is a change", async () => {
  const { clock, look, pod } = make();
  pod("a-0");
  await clock.advance(5_000);
  const { revision } = look();
  pod("a-0");
  assert.equal(look().revision, revision + 1);
});

Deno.test("a directory that is gone has no names; one that cannot be listed is listed with the next look", async () => {
  const { files, clock, look, pod } = make();
  pod("a-0");
  await clock.advance(5_000);
  files.failWhere(({ name }) => name === "list", noDescriptors());
  assert.throws(look);
  files.before = () => {};
  assert.equal(look().names, "a-0");
  files.removeTree("/work/pods");
  assert.equal(look().names, "");
});
