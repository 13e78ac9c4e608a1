/** One contract, held by the real files and by those in memory that other tests stand on. */
import assert from "node:assert/strict";
import { seededRandom } from "../src/random.ts";
import { type Files, inDirectory, isMisplaced, isNotFound, isSharedTrouble, systemFiles } from "../src/files.ts";
import { Killed, MemoryFiles, noDescriptors, noSpace, notPermitted, readOnly } from "./support/memory_files.ts";

/** What an operation came to: its result, or the class and code of its error. */
async function outcome(operation: () => unknown): Promise<unknown> {
  try {
    return await operation() ?? "done";
  } catch (error) {
    assert.ok(error instanceof Error);
    return `${error.constructor.name} ${(error as Error & { code?: string }).code}`;
  }
}

async function isMissing(operation: () => unknown): Promise<boolean> {
  try {
    await operation();
    return false;
  } catch (error) {
    return isNotFound(error);
  }
}

/** A file, a pipe, a file behind a mark, a full and an empty directory, and links to a file, a directory, nothing and themselves. */
function furnish(files: Files, root: string): void {
  files.makeDirectory(`${root}/full/deep`);
  if (files instanceof MemoryFiles) files.pipe(`${root}/pipe`);
  else new Deno.Command("mkfifo", { args: [`${root}/pipe`] }).outputSync();
  files.symlink("pipe", `${root}/pipelink`);
  files.writeText(`${root}/marked`, "\uFEFF{}");
  files.writeText(`${root}/full/x`, "in full");
  files.makeDirectory(`${root}/empty`);
  files.makeDirectory(`${root}/empty2`);
  files.writeText(`${root}/file`, "abc");
  files.symlink("file", `${root}/link`);
  files.symlink("full", `${root}/linkdir`);
  files.symlink("nowhere", `${root}/dangling`);
  files.symlink("loop", `${root}/loop`);
  files.symlink(`${root}/file`, `${root}/absolute`);
}

const contract: [name: string, operation: (files: Files, at: string) => unknown, expected: unknown][] = [
  ["reads a file", (f, at) => f.readText(`${at}/file`), "abc"],
  ["reads through a link", (f, at) => f.readText(`${at}/link`), "abc"],
  ["reads through an absolute link", (f, at) => f.readText(`${at}/absolute`), "abc"],
  ["reads through a link on the way", (f, at) => f.readText(`${at}/linkdir/x`), "in full"],
  ["reads what is missing", (f, at) => f.readText(`${at}/none`), "NotFound ENOENT"],
  ["reads below what is missing", (f, at) => f.readText(`${at}/none/x`), "NotFound ENOENT"],
  ["reads below a file", (f, at) => f.readText(`${at}/file/x`), "NotADirectory ENOTDIR"],
  ["reads a directory", (f, at) => f.readText(`${at}/full`), "IsADirectory EISDIR"],
  ["reads a dangling link as nothing", (f, at) => isMissing(() => f.readText(`${at}/dangling`)), true],
  ["reads a link to itself", (f, at) => f.readText(`${at}/loop`), "FilesystemLoop ELOOP"],
  [
    "reads a link that is not to be followed",
    (f, at) => f.readText(`${at}/link`, { followLinks: false }),
    "Error EFTYPE",
  ],
  [
    "reads a loop that is not to be followed",
    (f, at) => f.readText(`${at}/loop`, { followLinks: false }),
    "Error EFTYPE",
  ],
  ["reads below a link all the same", (f, at) => f.readText(`${at}/linkdir/x`, { followLinks: false }), "in full"],
  ["reads a pipe", (f, at) => f.readText(`${at}/pipe`), "Error EFTYPE"],
  ["reads a link to a pipe", (f, at) => f.readText(`${at}/pipelink`), "Error EFTYPE"],
  ["reads as much as it may", (f, at) => f.readText(`${at}/file`, { mostBytes: 3 }), "abc"],
  ["reads more than it may", (f, at) => f.readText(`${at}/file`, { mostBytes: 2 }), "Error EFBIG"],
  ["reads a text behind a mark", (f, at) => f.readText(`${at}/marked`), "{}"],
  ["reads a name that is too long", (f, at) => f.readText(`${at}/${"x".repeat(300)}`), "Error ENAMETOOLONG"],
  ["reads a name that no file can have", (f, at) => f.readText(`${at}/a\0b`), "TypeError EINVAL"],
  ["writes a new file", (f, at) => [f.writeText(`${at}/new`, "é"), f.readText(`${at}/new`), f.info(`${at}/new`).size], [
    undefined,
    "é",
    2,
  ]],
  ["replaces a file", (f, at) => [f.writeText(`${at}/file`, "z"), f.readText(`${at}/file`)], [undefined, "z"]],
  [
    "writes over a longer file",
    (f, at) => [f.writeText(`${at}/file`, "é", { overwrites: true }), f.readText(`${at}/file`)],
    [
      undefined,
      "é",
    ],
  ],
  ["writes over a shorter file", (f, at) => [
    f.writeText(`${at}/file`, "longer", { overwrites: true, mode: 0o600 }),
    f.readText(`${at}/file`),
    f.info(`${at}/file`).mode,
  ], [undefined, "longer", 0o600]],
  ["writes over what is not there", (f, at) => [
    f.writeText(`${at}/new`, "z", { overwrites: true }),
    f.readText(`${at}/new`),
  ], [undefined, "z"]],
  ["writes over a directory", (f, at) => f.writeText(`${at}/full`, "", { overwrites: true }), "IsADirectory EISDIR"],
  ["writes through a link", (f, at) => [f.writeText(`${at}/link`, "z"), f.readText(`${at}/file`)], [undefined, "z"]],
  ["writes onto a directory", (f, at) => f.writeText(`${at}/full`, ""), "IsADirectory EISDIR"],
  ["writes into a missing directory", (f, at) => f.writeText(`${at}/none/x`, ""), "NotFound ENOENT"],
  ["writes below a file", (f, at) => f.writeText(`${at}/file/x`, ""), "NotADirectory ENOTDIR"],
  ["appends", (f, at) => [f.appendText(`${at}/file`, "d"), f.readText(`${at}/file`)], [undefined, "abcd"]],
  ["appends to a new file", (f, at) => [f.appendText(`${at}/new`, "d"), f.readText(`${at}/new`)], [undefined, "d"]],
  ["appends to a directory", (f, at) => f.appendText(`${at}/full`, "d"), "IsADirectory EISDIR"],
  ["links", (f, at) => [f.symlink("a/b", `${at}/new`), f.readLink(`${at}/new`)], [undefined, "a/b"]],
  ["gives a file another name", (f, at) => [f.hardLink(`${at}/file`, `${at}/new`), f.info(`${at}/new`).kind], [
    undefined,
    "file",
  ]],
  ["gives a link another name", (f, at) => [f.hardLink(`${at}/link`, `${at}/new`), f.readLink(`${at}/new`)], [
    undefined,
    "file",
  ]],
  ["gives another name that is taken", (f, at) => f.hardLink(`${at}/link`, `${at}/file`), "AlreadyExists EEXIST"],
  ["gives nothing another name", (f, at) => f.hardLink(`${at}/none`, `${at}/new`), "NotFound ENOENT"],
  ["gives another name in a missing directory", (f, at) => f.hardLink(`${at}/file`, `${at}/none/x`), "NotFound ENOENT"],
  ["gives a directory another name", (f, at) => f.hardLink(`${at}/full`, `${at}/new`), "PermissionDenied EPERM"],
  ["links onto a file", (f, at) => f.symlink("a", `${at}/file`), "AlreadyExists EEXIST"],
  ["links onto a directory", (f, at) => f.symlink("a", `${at}/full`), "AlreadyExists EEXIST"],
  ["links onto a link", (f, at) => f.symlink("a", `${at}/dangling`), "AlreadyExists EEXIST"],
  ["links in a missing directory", (f, at) => f.symlink("a", `${at}/none/x`), "NotFound ENOENT"],
  ["links below a file", (f, at) => f.symlink("a", `${at}/file/x`), "NotADirectory ENOTDIR"],
  ["reads a link", (f, at) => f.readLink(`${at}/link`), "file"],
  ["reads the link that a file is not", (f, at) => f.readLink(`${at}/file`), "TypeError EINVAL"],
  ["reads the link that a directory is not", (f, at) => f.readLink(`${at}/full`), "TypeError EINVAL"],
  ["reads a missing link", (f, at) => f.readLink(`${at}/none`), "NotFound ENOENT"],
  ["renames a file", (f, at) => [f.rename(`${at}/file`, `${at}/new`), f.readText(`${at}/new`)], [undefined, "abc"]],
  [
    "a renamed file is not there any more",
    (f, at) => (f.rename(`${at}/file`, `${at}/new`), f.info(`${at}/file`)),
    "NotFound ENOENT",
  ],
  ["renames a file onto a link", (f, at) => [f.rename(`${at}/file`, `${at}/dangling`), f.info(`${at}/dangling`).kind], [
    undefined,
    "file",
  ]],
  ["renames a link onto a file", (f, at) => [f.rename(`${at}/dangling`, `${at}/file`), f.readLink(`${at}/file`)], [
    undefined,
    "nowhere",
  ]],
  ["renames what is missing", (f, at) => f.rename(`${at}/none`, `${at}/new`), "NotFound ENOENT"],
  ["renames into a missing directory", (f, at) => f.rename(`${at}/file`, `${at}/none/x`), "NotFound ENOENT"],
  ["renames onto itself", (f, at) => f.rename(`${at}/full`, `${at}/full`), "done"],
  ["renames into itself", (f, at) => f.rename(`${at}/full`, `${at}/full/sub`), "TypeError EINVAL"],
  ["renames a directory onto an empty one", (f, at) => f.rename(`${at}/full`, `${at}/empty`), "done"],
  ["renames a directory onto a full one", (f, at) => f.rename(`${at}/empty`, `${at}/full`), "Error ENOTEMPTY"],
  ["renames a directory onto a file", (f, at) => f.rename(`${at}/empty`, `${at}/file`), "NotADirectory ENOTDIR"],
  ["renames a file onto a directory", (f, at) => f.rename(`${at}/file`, `${at}/empty`), "IsADirectory EISDIR"],
  ["removes a file", (f, at) => (f.remove(`${at}/file`), f.info(`${at}/file`)), "NotFound ENOENT"],
  ["removes a link, not what it leads to", (f, at) => [f.remove(`${at}/link`), f.readText(`${at}/file`)], [
    undefined,
    "abc",
  ]],
  ["removes an empty directory", (f, at) => f.remove(`${at}/empty`), "done"],
  ["removes a full directory", (f, at) => f.remove(`${at}/full`), "Error ENOTEMPTY"],
  ["removes what is missing", (f, at) => f.remove(`${at}/none`), "NotFound ENOENT"],
  ["removes below a file", (f, at) => f.remove(`${at}/file/x`), "NotADirectory ENOTDIR"],
  ["removes a tree", (f, at) => (f.removeTree(`${at}/full`), f.info(`${at}/full/x`)), "NotFound ENOENT"],
  ["removes a tree that is a file", (f, at) => f.removeTree(`${at}/file`), "done"],
  ["removes a tree that is a link", (f, at) => [f.removeTree(`${at}/linkdir`), f.readText(`${at}/full/x`)], [
    undefined,
    "in full",
  ]],
  ["removes a missing tree", (f, at) => f.removeTree(`${at}/none`), "NotFound ENOENT"],
  ["removes a tree in a missing directory", (f, at) => f.removeTree(`${at}/none/x`), "NotFound ENOENT"],
  ["removes a tree below a file", (f, at) => f.removeTree(`${at}/file/x`), "NotADirectory ENOTDIR"],
  ["removes a tree behind a link", (f, at) => f.removeTree(`${at}/linkdir/x`), "Error ELOOP"],
  ["removes a tree behind a link that may be one", (f, at) => {
    f.removeTree(`${at}/linkdir/x`, { followLinks: true });
    return sorted(f.list(`${at}/full`));
  }, ["deep directory"]],
  ["makes directories on the way", (f, at) => [f.makeDirectory(`${at}/a/b/c`), f.info(`${at}/a/b/c`).kind], [
    undefined,
    "directory",
  ]],
  ["makes a directory that exists", (f, at) => [f.makeDirectory(`${at}/full`), f.readText(`${at}/full/x`)], [
    undefined,
    "in full",
  ]],
  ["makes a directory where a link to one is", (f, at) => f.makeDirectory(`${at}/linkdir`), "done"],
  ["makes a directory where a file is", (f, at) => f.makeDirectory(`${at}/file`), "AlreadyExists EEXIST"],
  ["makes a directory below a file", (f, at) => f.makeDirectory(`${at}/file/x`), "NotADirectory ENOTDIR"],
  ["makes a file for some alone", (f, at) => {
    f.writeText(`${at}/new`, "", { mode: 0o600 });
    f.writeText(`${at}/file`, "", { mode: 0o640 });
    return [f.info(`${at}/new`).mode, f.info(`${at}/file`).mode];
  }, [0o600, 0o640]],
  ["makes directories for some alone, and none of those that exist", (f, at) => {
    f.makeDirectory(`${at}/empty`, { mode: 0o755 });
    f.makeDirectory(`${at}/a/b`, { mode: 0o700 });
    f.makeDirectory(`${at}/a`, { mode: 0o755 });
    return ["empty", "a", "a/b"].map((name) => f.info(`${at}/${name}`).mode);
  }, [0o755, 0o700, 0o700]],
  ["makes what is its user's", (f, at) => {
    f.makeDirectory(`${at}/a`);
    f.writeText(`${at}/new`, "");
    f.symlink("new", `${at}/newlink`);
    return ["a", "new", "newlink"].every((name) => f.info(`${at}/${name}`).owner?.uid === f.user?.uid);
  }, true],
  ["lists a directory", (f, at) => sorted(f.list(`${at}/full`)), ["deep directory", "x file"]],
  ["lists links as links", (f, at) => sorted(f.list(at)).filter((text) => text.includes("symlink")), [
    "absolute symlink",
    "dangling symlink",
    "link symlink",
    "linkdir symlink",
    "loop symlink",
    "pipelink symlink",
  ]],
  ["lists through a link", (f, at) => sorted(f.list(`${at}/linkdir`)), ["deep directory", "x file"]],
  ["lists what is missing", (f, at) => f.list(`${at}/none`), "NotFound ENOENT"],
  ["lists a file", (f, at) => f.list(`${at}/file`), "NotADirectory ENOTDIR"],
  ["tells a file", (f, at) => [f.info(`${at}/file`).kind, f.info(`${at}/file`).size], ["file", 3]],
  ["tells a link, not what it leads to", (f, at) => [f.info(`${at}/link`).kind, f.info(`${at}/link`).size], [
    "symlink",
    4,
  ]],
  ["tells of nothing", (f, at) => f.info(`${at}/none`), "NotFound ENOENT"],
  ["tells of nothing below a file", (f, at) => f.info(`${at}/file/x`), "NotADirectory ENOTDIR"],
  ["tells what a link leads to", (f, at) => f.info(`${at}/link`, { followLinks: true }).kind, "file"],
  ["tells how many names there are", (f, at) => {
    f.hardLink(`${at}/file`, `${at}/new`);
    return [f.info(`${at}/file`).links, f.info(`${at}/marked`).links];
  }, [2, 1]],
  ["tells of a pipe", (f, at) => [f.info(`${at}/pipe`).kind, f.info(`${at}/pipelink`, { followLinks: true }).kind], [
    "other",
    "other",
  ]],
  ["tells of nothing behind a link", (f, at) => isMissing(() => f.info(`${at}/dangling`, { followLinks: true })), true],
  ["lists a pipe", (f, at) => f.list(`${at}/pipe`), "NotADirectory ENOTDIR"],
  ["renames a file onto a pipe", (f, at) => [f.rename(`${at}/file`, `${at}/pipe`), f.readText(`${at}/pipe`)], [
    undefined,
    "abc",
  ]],
  ["removes a pipe", (f, at) => f.remove(`${at}/pipe`), "done"],
  ["syncs a pipe", (f, at) => f.sync(`${at}/pipe`), "Error EFTYPE"],
  ["syncs a file", (f, at) => f.sync(`${at}/file`), "done"],
  ["syncs a directory", (f, at) => f.sync(`${at}/full`), "done"],
  ["syncs what is missing", (f, at) => f.sync(`${at}/none`), "NotFound ENOENT"],
  ["syncs a dangling link as nothing", (f, at) => isMissing(() => f.sync(`${at}/dangling`)), true],
];

function sorted(entries: { name: string; kind: string }[]): string[] {
  return entries.map(({ name, kind }) => `${name} ${kind}`).sort();
}

for (const [name, operation, expected] of contract) {
  Deno.test(`files, real and in memory alike: ${name}`, async () => {
    const memory = new MemoryFiles();
    furnish(memory, "/root/files");
    assert.deepEqual(await outcome(() => operation(memory, "/root/files")), expected, "in memory");
    const directory = Deno.makeTempDirSync();
    try {
      furnish(systemFiles, directory);
      assert.deepEqual(await outcome(() => operation(systemFiles, directory)), expected, "real");
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
  });
}

/** `requests` with a tree in it, somebody's own tree of the same name, and a link by which to mistake one for the other. */
async function withVictim(act: (at: string) => void | Promise<void>): Promise<void> {
  const at = await Deno.makeTempDir();
  const back = Deno.cwd();
  try {
    for (const parent of ["requests", "victim"]) {
      systemFiles.makeDirectory(`${at}/${parent}/x/deep`);
      systemFiles.writeText(`${at}/${parent}/x/deep/file`, parent);
    }
    systemFiles.symlink("victim", `${at}/trap`);
    await act(at);
    assert.equal(systemFiles.readText(`${at}/victim/x/deep/file`), "victim");
    assert.equal(Deno.cwd(), back);
  } finally {
    await Deno.remove(at, { recursive: true });
  }
}

Deno.test("what is removed in a directory is in that one, though another takes its name before", () =>
  withVictim((at) => {
    inDirectory(`${at}/requests`, (here) => {
      Deno.renameSync(`${at}/requests`, `${at}/away`);
      Deno.renameSync(`${at}/trap`, `${at}/requests`);
      Deno.removeSync(`${here}/x`, { recursive: true });
    });
    assert.deepEqual(systemFiles.list(`${at}/away`), []);
  }));

Deno.test("a directory that becomes a link right after it was looked at is not gone into", () =>
  withVictim((at) => {
    const { chdir } = Deno;
    Deno.chdir = (directory) => {
      Deno.chdir = chdir;
      Deno.renameSync(`${at}/requests`, `${at}/away`);
      Deno.renameSync(`${at}/trap`, `${at}/requests`);
      chdir(directory);
    };
    try {
      assert.throws(() => systemFiles.removeTree(`${at}/requests/x`), { code: "ELOOP", message: /requests'$/ });
    } finally {
      Deno.chdir = chdir;
    }
    assert.equal(systemFiles.readText(`${at}/away/x/deep/file`), "requests");
  }));

Deno.test("nobody who swaps a directory for a link all the time leads a removal elsewhere", () =>
  withVictim(async (at) => {
    const swaps = [["requests", "away"], ["trap", "requests"], ["requests", "trap"], ["away", "requests"]];
    const attack = `while (true) for (const [from, to] of ${JSON.stringify(swaps)}) Deno.renameSync(from, to);`;
    const swapping = new Deno.Command(Deno.execPath(), { args: ["eval", attack], cwd: at, stderr: "null" }).spawn();
    const times = new Map<unknown, number>();
    const metOften = (end: string) => (times.get(end) ?? 0) > 50;
    try {
      for (let isVictimWell = true; isVictimWell && !(metOften("Error ELOOP") && metOften("done"));) {
        const end = await outcome(() => systemFiles.removeTree(`${at}/requests/x`));
        times.set(end, (times.get(end) ?? 0) + 1);
        isVictimWell = await outcome(() => systemFiles.readText(`${at}/victim/x/deep/file`)) === "victim";
        await outcome(() => Deno.mkdirSync(`${at}/requests/x`));
      }
    } finally {
      swapping.kill("SIGKILL");
      await swapping.status;
    }
  }));

Deno.test("a change in a watched directory is told; one that cannot be watched does no harm", async () => {
  const directory = await Deno.makeTempDir();
  const memory = new MemoryFiles();
  memory.makeDirectory("/watched/below");
  await Deno.mkdir(`${directory}/below`);
  try {
    for (const [files, root] of [[systemFiles, directory], [memory, "/watched"]] as const) {
      const stop = new AbortController();
      const { promise, resolve } = Promise.withResolvers<string>();
      files.watch([root, `${root}/none`], { signal: stop.signal, changed: resolve });
      files.writeText(`${root}/new`, "");
      assert.equal(await promise, root);
      stop.abort();
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("what does not exist is told from what cannot be read", () => {
  assert.ok(isNotFound(new Deno.errors.NotFound()));
  assert.ok(isNotFound(new Deno.errors.NotADirectory()));
  assert.ok(isNotFound(new Deno.errors.FilesystemLoop()));
  for (const error of [notPermitted(), noSpace(), readOnly(), new Error(), undefined]) assert.ok(!isNotFound(error));
});

Deno.test("the trouble of one path is told from that of all", () => {
  for (const error of [noSpace(), readOnly(), noDescriptors()]) {
    assert.ok(isSharedTrouble(error) && !isMisplaced(error), error.message);
  }
  const files = new MemoryFiles();
  furnish(files, "/root");
  for (const name of ["full", "pipe", "file/x"]) {
    assert.throws(() => files.readText(`/root/${name}`), (error) => isMisplaced(error) && !isSharedTrouble(error));
  }
  assert.ok(!isSharedTrouble(notPermitted()) && !isMisplaced(notPermitted()), "may be cured, and is one path's");
});

Deno.test("memory files: only the write that was chosen fails", () => {
  const files = new MemoryFiles();
  files.failWrite(1, noSpace());
  files.writeText("/a", "1");
  assert.throws(() => files.writeText("/b", "1"), { code: "ENOSPC" });
  files.writeText("/c", "1");
  assert.deepEqual(files.tree("/"), { a: "1", c: "1" });
});

Deno.test("memory files: a killed process does nothing any more", () => {
  const files = new MemoryFiles();
  files.killAt(1);
  files.writeText("/a", "1");
  assert.throws(() => files.writeText("/b", "1"), Killed);
  assert.throws(() => files.readText("/a"), Killed);
  assert.deepEqual(files.crash("everything").tree("/"), { a: "1" });
});

Deno.test("memory files: a power failure leaves what was synced, names and texts each for themselves", async () => {
  const files = new MemoryFiles();
  files.makeDirectory("/kept");
  files.makeDirectory("/lost");
  files.writeText("/kept/text-synced", "old");
  await files.sync("/kept/text-synced");
  files.writeText("/kept/text-unsynced", "new");
  files.symlink("target", "/kept/link");
  await files.sync("/kept");
  await files.sync("/");
  files.writeText("/kept/text-synced", "newer");
  files.writeText("/kept/late", "late");
  files.rename("/kept/link", "/kept/renamed");
  files.writeText("/lost/x", "x");
  const everything = files.tree("/");
  assert.deepEqual(files.crash("everything").tree("/"), everything);
  assert.deepEqual(files.crash("synced").tree("/"), {
    "kept/link": "-> target",
    "kept/text-synced": "old",
    "kept/text-unsynced": "",
    "lost/": "",
  });
  assert.deepEqual(files.crash("names").tree("/"), {
    "kept/late": "",
    "kept/renamed": "-> target",
    "kept/text-synced": "old",
    "kept/text-unsynced": "",
    "lost/x": "",
  });
});

Deno.test("memory files: a power failure may leave any part of what was not synced, and all of what was", async () => {
  const files = new MemoryFiles();
  files.makeDirectory("/d");
  await files.sync("/");
  files.writeText("/d/kept", "kept");
  for (const path of ["/d/kept", "/d"]) await files.sync(path);
  files.writeText("/d/.new", "text");
  files.rename("/d/.new", "/d/named");
  files.writeText("/d/other", "");
  const random = seededRandom(1);
  const seen = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const tree = files.crash(random).tree("/d");
    assert.equal(tree.kept, "kept");
    seen.add(`${".new" in tree} ${tree.named} ${"other" in tree}`);
  }
  assert.ok(seen.has("false undefined false"), "nothing of it");
  assert.ok(seen.has("true undefined false"), "its beginning");
  assert.ok(seen.has("false text true"), "all of it");
  assert.ok(seen.has("false te true"), "a torn text");
  assert.ok(seen.has("false undefined true"), "the last alone");
});

Deno.test("memory files: what survives a sync is what was there when it began, once it is done", async () => {
  const files = new MemoryFiles();
  files.makeDirectory("/d");
  await files.sync("/");
  files.writeText("/d/file", "first");
  const done = [files.beginSync("/d/file"), files.beginSync("/d")];
  files.writeText("/d/file", "second");
  files.writeText("/d/late", "");
  assert.deepEqual(files.crash("synced").tree("/"), { "d/": "" }, "not done yet");
  for (const finish of done) finish();
  assert.deepEqual(files.crash("synced").tree("/"), { "d/file": "first" });
});

Deno.test("memory files: of two syncs of the same, the one that began last counts, whichever is done last", async () => {
  const files = new MemoryFiles();
  files.makeDirectory("/d");
  await files.sync("/");
  files.writeText("/d/file", "first");
  const first = [files.beginSync("/d/file"), files.beginSync("/d")];
  files.writeText("/d/file", "second");
  files.writeText("/d/late", "");
  for (const path of ["/d/file", "/d/late", "/d"]) await files.sync(path);
  for (const finish of first) finish();
  assert.deepEqual(files.crash("synced").tree("/"), { "d/file": "second", "d/late": "" });
});

Deno.test("memory files: a sync takes as long as it is told to", async () => {
  const files = new MemoryFiles();
  files.writeText("/file", "text");
  const { promise, resolve } = Promise.withResolvers<void>();
  files.syncing = () => promise;
  const synced = Promise.all([files.sync("/file"), files.sync("/")]);
  assert.deepEqual(files.crash("synced").tree("/"), {});
  resolve();
  await synced;
  assert.deepEqual(files.crash("synced").tree("/"), { file: "text" });
});

Deno.test("a watch that the system ends is no more than a watch that cannot be had", async () => {
  const watchFs = Deno.watchFs;
  const failed = Promise.withResolvers<void>();
  Deno.watchFs = () => ({
    close() {},
    async *[Symbol.asyncIterator]() {
      yield { kind: "modify", paths: [] };
      failed.resolve();
      throw new Error("the system gives no more notices");
    },
  } as unknown as Deno.FsWatcher);
  const directory = await Deno.makeTempDir();
  const changed: string[] = [];
  try {
    const { signal } = new AbortController();
    systemFiles.watch([directory], { signal, changed: (directory) => changed.push(directory) });
    await failed.promise;
  } finally {
    Deno.watchFs = watchFs;
    await Deno.remove(directory);
  }
  assert.deepEqual(changed, [directory]);
});
