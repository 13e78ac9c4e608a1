import assert from "node:assert/strict";
import { describeError } from "../../../src/errors.ts";
import { seededRandom } from "../../../src/random.ts";
import { giveIdentity, newIdentity } from "../../../src/workdir/identity.ts";
import { Workdir } from "../../../src/workdir/store/workdir.ts";
import { MemoryFiles, noSpace, notPermitted, readOnly } from "../../support/memory_files.ts";

function make(): { files: MemoryFiles; workdir: Workdir } {
  const files = new MemoryFiles();
  files.makeDirectory("/work/d");
  return { files, workdir: new Workdir("/work", { files, random: seededRandom(1) }) };
}

Deno.test("preparing makes every directory, and again does nothing", async () => {
  const { files, workdir } = make();
  await workdir.prepare();
  const before = files.tree("/work");
  await workdir.prepare();
  assert.deepEqual(files.tree("/work"), before);
  for (const directory of workdir.layout.directories) assert.equal(workdir.kind(directory), "directory");
});

for (const exists of [true, false]) {
  Deno.test(`a work directory that was prepared survives a power failure, ${exists ? "" : "not "}having been there`, async () => {
    const files = new MemoryFiles();
    files.makeDirectory(exists ? "/var/work" : "/var");
    for (const directory of ["/var", "/"]) await files.sync(directory);
    const workdir = new Workdir("/var/work", { files, random: seededRandom(1) });
    await workdir.prepare();
    const after = new Workdir("/var/work", { files: files.crash("synced"), random: seededRandom(1) });
    for (const directory of workdir.layout.directories) assert.equal(after.kind(directory), "directory", directory);
  });
}

Deno.test("preparing what is there already waits for no disk", async () => {
  const { files, workdir } = make();
  await workdir.prepare();
  const before = files.writes.length;
  await workdir.prepare();
  assert.deepEqual(files.writes.slice(before).filter(({ name }) => name === "sync"), []);
});

for (const error of [noSpace(), readOnly(), notPermitted()]) {
  Deno.test(`a work directory that cannot be made is named, and why (${error.message})`, async () => {
    const { files, workdir } = make();
    files.failWrite(0, error);
    await assert.rejects(() => workdir.prepare(), (thrown: Error & { hint?: string }) => {
      assert.match(thrown.message, /^Cannot use the work directory '\/work': /);
      assert.ok(thrown.message.includes(describeError(error)), thrown.message);
      assert.match(thrown.hint ?? "", /--workdir/);
      return true;
    });
  });
}

Deno.test("what is made is private, and what was there stays as it was; where it is shared, the umask says", async () => {
  for (const [isShared, directory, file] of [[false, 0o700, 0o600], [true, 0o755, 0o644]] as const) {
    const files = new MemoryFiles();
    files.makeDirectory("/var/work/pods");
    files.writeText("/var/work/pods/old", "");
    const workdir = new Workdir("/var/work", { files, random: seededRandom(1), isShared });
    await workdir.prepare();
    const modeOf = (path: string) => files.info(`/var/work/${path}`).mode;
    assert.equal(modeOf("requests"), directory);
    assert.deepEqual(["", "pods", "pods/old"].map(modeOf), [0o755, 0o755, 0o644]);
    const spare = workdir.retire("/var/work/pods/old");
    workdir.write("/var/work/machines/new", "{}", { spare });
    workdir.write("/var/work/pods/new", "{}");
    workdir.empty("/var/work/lost-0");
    workdir.makeFile("/var/work/made", "");
    await workdir.writeDurably("/var/work/instances.json", "{}");
    await giveIdentity(workdir, newIdentity(workdir));
    for (
      const path of [
        "machines/new",
        "pods/new",
        "lost-0",
        "prototypes/empty",
        "made",
        "instances.json",
        "identity.json",
      ]
    ) {
      assert.equal(modeOf(path), file, path);
    }
  }
});

Deno.test("a work directory that is made is private, and what leads to it is not", async () => {
  const files = new MemoryFiles();
  await new Workdir("/var/lib/work", { files, random: seededRandom(1) }).prepare();
  assert.deepEqual(["/var", "/var/lib", "/var/lib/work"].map((path) => files.info(path).mode), [0o755, 0o755, 0o700]);
});

const replacements: [what: string, replace: (workdir: Workdir) => unknown, before: string, after: string][] = [
  ["write", (workdir) => workdir.write("/work/d/x", "new"), "old", "new"],
  ["write durably", (workdir) => workdir.writeDurably("/work/d/x", "new"), "old", "new"],
  ["link", (workdir) => workdir.link("new", "/work/d/x"), "old", "-> new"],
];
for (const [what, replace, old, fresh] of replacements) {
  Deno.test(`${what}: whatever fails, there is the old or the new, and nothing else`, async () => {
    for (const error of [noSpace(), notPermitted()]) {
      for (let n = 0;; n++) {
        const { files, workdir } = make();
        files.writeText("/work/d/x", old);
        const writes = files.writes.length;
        files.failWrite(n, error);
        let failed = false;
        try {
          await replace(workdir);
        } catch (thrown) {
          assert.equal(thrown, error);
          failed = true;
        }
        assert.deepEqual(files.tree("/work/d"), { x: failed ? old : fresh }, `write ${n} failed`);
        if (files.writes.length - writes <= n) break;
      }
    }
  });

  Deno.test(`${what}: killed anywhere, a reader sees the old or the new`, async () => {
    for (let n = 0;; n++) {
      const { files, workdir } = make();
      files.writeText("/work/d/x", old);
      files.killAt(n);
      let killed = false;
      try {
        await replace(workdir);
      } catch {
        killed = true;
      }
      const x = files.crash("everything").tree("/work/d")["x"];
      assert.ok(x === old || x === fresh, `killed at ${n}: ${x}`);
      if (!killed) break;
    }
  });
}

Deno.test("what was written durably is never torn, even where names are kept and texts are not", async () => {
  const { files, workdir } = make();
  await workdir.writeDurably("/work/d/x", "new");
  assert.deepEqual(files.crash("names").tree("/work/d"), { x: "new" });
});

Deno.test("reading what is missing gives nothing; what cannot be read is an error", () => {
  const { files, workdir } = make();
  files.writeText("/work/file", "");
  for (const path of ["/work/none", "/work/none/x", "/work/file/x"]) {
    assert.equal(workdir.readText(path), undefined);
    assert.equal(workdir.readLink(path), undefined);
    assert.equal(workdir.kind(path), undefined);
    assert.deepEqual(workdir.names(path), []);
    workdir.remove(path);
  }
  files.failWhere(() => true, notPermitted());
  for (const read of [workdir.readText, workdir.readLink, workdir.kind, workdir.names, workdir.remove]) {
    assert.throws(() => read.call(workdir, "/work/file"), { code: "EACCES" });
  }
});

Deno.test("hidden names are not listed, and two work directories do not share them", () => {
  const { files, workdir } = make();
  files.writeText("/work/d/.hidden", "");
  files.writeText("/work/d/seen", "");
  assert.deepEqual(workdir.names("/work/d"), ["seen"]);
  const other = new Workdir("/work", { files, random: seededRandom(2) });
  const names = [workdir, workdir, other, other].map((one) => one.temporary("/work/d"));
  assert.equal(new Set(names).size, 4);
  for (const name of names) assert.match(name, /^\/work\/d\/\.new-/);
});

Deno.test("a file that was retired becomes another one, and no third is left", () => {
  const { files, workdir } = make();
  files.writeText("/work/d/old", "old and long");
  const spare = workdir.retire("/work/d/old");
  workdir.write("/work/d/new", "new", { spare });
  assert.deepEqual(files.tree("/work/d"), { new: "new" });
  assert.equal(workdir.retire("/work/d/none"), undefined);
});

Deno.test("what has to be a directory and is not is named before anything is done", async () => {
  for (const put of ["pipe", "link", "file"]) {
    const { files, workdir } = make();
    await workdir.prepare();
    files.removeTree("/work/pods");
    files.makeDirectory("/elsewhere");
    if (put === "pipe") files.pipe("/work/pods");
    if (put === "link") files.symlink("/elsewhere", "/work/pods");
    if (put === "file") files.writeText("/work/pods", "");
    const before = files.writes.length;
    for (const act of [() => workdir.prepare(), async () => await workdir.check()]) {
      await assert.rejects(act, { name: "HostFactoryError", message: /'\/work\/pods' is no directory/ });
    }
    assert.equal(files.writes.length, before);
  }
});

Deno.test("turns come one after the other, and one that goes wrong holds up no other", async () => {
  const { workdir } = make();
  const done: string[] = [];
  const turn = (what: string, wait: number) =>
    workdir.inTurn(async () => {
      done.push(`${what} begins`);
      for (let n = 0; n < wait; n++) await Promise.resolve();
      if (what === "second") throw new Error("no");
      done.push(`${what} ends`);
      return what;
    });
  const all = await Promise.allSettled([turn("first", 5), turn("second", 3), turn("third", 0)]);
  assert.deepEqual(done, ["first begins", "first ends", "second begins", "third begins", "third ends"]);
  assert.deepEqual(all.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.equal(await workdir.inTurn(() => "later"), "later");
});

Deno.test("only a file of our own and of one name is retired: whoever writes to another writes elsewhere", () => {
  const { files, workdir } = make();
  files.writeText("/elsewhere", "theirs");
  files.symlink("/elsewhere", "/work/d/link");
  files.hardLink("/elsewhere", "/work/d/name");
  files.writeText("/work/d/own", "");
  files.as({ uid: 0, gid: 0 }, () => files.writeText("/work/d/roots", ""));
  assert.equal(workdir.retire("/work/d/roots"), undefined);
  assert.equal(workdir.retire("/work/d/link"), undefined);
  assert.equal(workdir.retire("/work/d/name"), undefined);
  assert.equal(workdir.retire("/work/d/none"), undefined);
  const spare = workdir.retire("/work/d/own");
  assert.equal(files.list("/work/d").length, 1);
  workdir.write("/work/d/new", "ours", { spare });
  assert.deepEqual(files.tree("/work/d"), { new: "ours" });
  assert.equal(files.readText("/elsewhere"), "theirs");
});
