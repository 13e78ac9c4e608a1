import assert from "node:assert/strict";
import { systemFiles } from "../../../src/files.ts";
import { seededRandom } from "../../../src/random.ts";
import { Workdir } from "../../../src/workdir/store/workdir.ts";
import { MemoryFiles, noSpace } from "../../support/memory_files.ts";

async function memoryWorkdir(): Promise<{ files: MemoryFiles; workdir: Workdir }> {
  const files = new MemoryFiles();
  const workdir = new Workdir("/work", { files, random: seededRandom(1) });
  await workdir.prepare();
  return { files, workdir };
}

Deno.test("a thousand links to one state take one inode on a real file system", async () => {
  const root = Deno.makeTempDirSync();
  try {
    const workdir = new Workdir(root, { files: systemFiles, random: seededRandom(1) });
    await workdir.prepare();
    for (let i = 0; i < 1000; i++) workdir.prototypes.link("creating", workdir.layout.podStatus(`a-${i}`));
    const inodes = new Set(Array.from({ length: 1000 }, (_, i) => Deno.lstatSync(`${root}/pods-status/a-${i}`).ino));
    assert.equal(inodes.size, 1);
    assert.equal(Deno.readLinkSync(`${root}/pods-status/a-999`), "creating");
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("where a file system knows no further names, every entry gets its own", async () => {
  const { files, workdir } = await memoryWorkdir();
  files.failWhere(({ name }) => name === "hardLink", new Deno.errors.NotSupported("no hard links"));
  workdir.prototypes.link("running", "/work/pods-status/a-0");
  workdir.prototypes.empty("/work/requests/a");
  assert.equal(files.readLink("/work/pods-status/a-0"), "running");
  assert.equal(files.readText("/work/requests/a"), "");
});

Deno.test("a prototype that has no room for names is made again for the next entry", async () => {
  const { files, workdir } = await memoryWorkdir();
  workdir.prototypes.link("running", "/work/pods-status/a-0");
  let full = true;
  files.before = ({ name }) => {
    if (name === "hardLink" && full) throw Object.assign(new Error("Too many links (os error 31)"), { code: "EMLINK" });
  };
  workdir.prototypes.link("running", "/work/pods-status/a-1");
  full = false;
  workdir.prototypes.link("running", "/work/pods-status/a-2");
  for (const name of ["a-0", "a-1", "a-2"]) assert.equal(files.readLink(`/work/pods-status/${name}`), "running");
});

Deno.test("a prototype that somebody has changed is never used", async () => {
  const { files, workdir } = await memoryWorkdir();
  files.symlink("deleted", "/work/prototypes/word-running");
  files.writeText("/work/prototypes/empty", "not empty");
  workdir.prototypes.link("running", "/work/pods-status/a-0");
  workdir.prototypes.empty("/work/requests/a");
  assert.equal(files.readLink("/work/pods-status/a-0"), "running");
  assert.equal(files.readText("/work/requests/a"), "");
});

Deno.test("what exists already stays as it is, and is an error", async () => {
  const { files, workdir } = await memoryWorkdir();
  files.symlink("running", "/work/pods-status/a-0");
  assert.throws(() => workdir.prototypes.link("creating", "/work/pods-status/a-0"), Deno.errors.AlreadyExists);
  assert.equal(files.readLink("/work/pods-status/a-0"), "running");
});

Deno.test("a full disk is an error, and leaves nothing behind", async () => {
  const { files, workdir } = await memoryWorkdir();
  files.failWhere(({ name }) => name === "symlink" || name === "hardLink", noSpace());
  assert.throws(() => workdir.link("running", "/work/pods-status/a-0"), /No space left/);
  assert.deepEqual(Object.keys(files.tree("/work/pods-status")), []);
  assert.deepEqual(Object.keys(files.tree("/work/prototypes")), []);
});

Deno.test("a link that is right already is not made again", async () => {
  const { files, workdir } = await memoryWorkdir();
  workdir.link("running", "/work/pods-status/a-0");
  const before = files.writes.length;
  workdir.link("running", "/work/pods-status/a-0");
  assert.equal(files.writes.length, before);
});

Deno.test("an entry is right even where its prototype was overwritten since the one before", async () => {
  const { files, workdir } = await memoryWorkdir();
  for (const [machine, overwrite] of [["a-0", undefined], ["b-0", "word-running"], ["c-0", "empty"]] as const) {
    if (overwrite) {
      files.remove(workdir.layout.prototype(overwrite));
      files.writeText(workdir.layout.prototype(overwrite), "garbage");
    }
    workdir.link("running", workdir.layout.podStatus(machine));
    workdir.empty(workdir.layout.machine(machine));
    assert.equal(workdir.readLink(workdir.layout.podStatus(machine)), "running");
    assert.equal(files.readText(workdir.layout.machine(machine)), "");
  }
});
