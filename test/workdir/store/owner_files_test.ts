import assert from "node:assert/strict";
import { type Files, systemFiles } from "../../../src/files.ts";
import { OwnerFiles } from "../../../src/workdir/store/owner_files.ts";
import { MemoryFiles } from "../../support/memory_files.ts";
import { NOBODY } from "../../support/ordinary_user.ts";

const nobody = { uid: NOBODY, gid: NOBODY };

Deno.test("every call is made as the owner, and none from then on", () => {
  const memory = new MemoryFiles();
  memory.makeDirectory("/d/e");
  memory.writeText("/d/file", "");
  memory.symlink("file", "/d/link");
  const users: unknown[] = [];
  memory.before = () => users.push(memory.user.uid);
  const files = new OwnerFiles(memory, nobody);
  const { signal } = new AbortController();
  const calls: { [name in Exclude<keyof Files, "as" | "user">]: () => unknown } = {
    readText: () => files.readText("/d/file"),
    writeText: () => files.writeText("/d/new", ""),
    appendText: () => files.appendText("/d/new", ""),
    symlink: () => files.symlink("file", "/d/symlink"),
    hardLink: () => files.hardLink("/d/file", "/d/hardlink"),
    readLink: () => files.readLink("/d/link"),
    rename: () => files.rename("/d/new", "/d/renamed"),
    remove: () => files.remove("/d/renamed"),
    removeTree: () => files.removeTree("/d/e"),
    makeDirectory: () => files.makeDirectory("/d/f"),
    list: () => files.list("/d"),
    info: () => files.info("/d"),
    sync: () => files.sync("/d"),
    watch: () => files.watch(["/d"], { signal, changed: () => {} }),
  };
  for (const [name, call] of Object.entries(calls)) {
    users.length = 0;
    call();
    assert.deepEqual(users, name === "watch" ? [] : [NOBODY], name);
    assert.equal(memory.user.uid, 1000);
  }
});

const isRoot = systemFiles.user?.uid === 0;

Deno.test({
  name: `what root makes for another is the other's, and no link leads root on${isRoot ? "" : " (SKIPPED: no root)"}`,
  ignore: !isRoot,
  fn() {
    const at = Deno.makeTempDirSync();
    try {
      Deno.chmodSync(at, 0o755);
      for (const name of ["theirs", "secret"]) systemFiles.makeDirectory(`${at}/${name}`, { mode: 0o700 });
      systemFiles.writeText(`${at}/secret/file`, "secret");
      Deno.chownSync(`${at}/theirs`, NOBODY, NOBODY);
      const files = new OwnerFiles(systemFiles, nobody);
      files.makeDirectory(`${at}/theirs/d/e`);
      files.writeText(`${at}/theirs/d/file`, "text");
      files.symlink("file", `${at}/theirs/d/link`);
      files.hardLink(`${at}/theirs/d/link`, `${at}/theirs/d/same`);
      for (const path of ["d", "d/e", "d/file", "d/link", "d/same"]) {
        assert.deepEqual(systemFiles.info(`${at}/theirs/${path}`).owner, nobody, path);
      }
      files.symlink("../secret", `${at}/theirs/trap`);
      files.symlink("../secret/file", `${at}/theirs/file`);
      const trapped = [
        () => files.readText(`${at}/theirs/file`),
        () => files.writeText(`${at}/theirs/file`, ""),
        () => files.writeText(`${at}/theirs/trap/new`, ""),
        () => files.rename(`${at}/theirs/trap/file`, `${at}/theirs/mine`),
        () => files.remove(`${at}/theirs/trap/file`),
        () => files.removeTree(`${at}/theirs/trap/file`, { followLinks: true }),
        () => files.list(`${at}/theirs/trap`),
        () => files.info(`${at}/theirs/trap/file`),
      ];
      for (const act of trapped) assert.throws(act, Deno.errors.PermissionDenied, String(act));
      assert.equal(systemFiles.readText(`${at}/secret/file`), "secret", "root is root again");
      files.removeTree(`${at}/theirs/d`);
      assert.deepEqual(systemFiles.list(`${at}/theirs`).map(({ name }) => name).sort(), ["file", "trap"]);
      assert.equal(files.as(nobody, () => files.as(nobody, () => 1)), 1);
      const secret = `${at}/secret/file`;
      files.as(nobody, () => {
        files.as({ uid: NOBODY - 1, gid: NOBODY - 1 }, () => assert.throws(() => systemFiles.info(`${at}/theirs/d`)));
        files.as({ uid: 0, gid: 0 }, () => assert.equal(systemFiles.readText(secret), "secret"));
        assert.throws(() => systemFiles.readText(secret), Deno.errors.PermissionDenied);
      });
      assert.equal(systemFiles.readText(secret), "secret", "root is root again");
    } finally {
      Deno.removeSync(at, { recursive: true });
    }
  },
});
