import assert from "node:assert/strict";
import type { User } from "../../../src/files.ts";
import { seededRandom } from "../../../src/random.ts";
import { Workdir } from "../../../src/workdir/store/workdir.ts";
import { MemoryFiles } from "../../support/memory_files.ts";

const root: User = { uid: 0, gid: 0 };
const alice: User = { uid: 1001, gid: 2001 };
const bob: User = { uid: 1002, gid: 2002 };

/** `/home/alice/work`, whole and hers, and `/tmp`, where anybody may put anything. */
function host(): MemoryFiles {
  const files = new MemoryFiles();
  for (const path of ["/home", "/tmp"]) files.as(root, () => files.makeDirectory(path));
  files.chown("/", root);
  files.chmod("/tmp", 0o777);
  files.as(alice, () => {
    files.makeDirectory("/home/alice");
    workdirOf(files, "/home/alice/work").makeDirectories();
  });
  return files;
}

function workdirOf(files: MemoryFiles, path: string, isShared = false): Workdir {
  return new Workdir(path, { files, random: seededRandom(1), isShared });
}

/** What became of the work directory before it is used. */
type Change = (files: MemoryFiles, path: string) => void;

interface Case {
  what: string;
  as: User;
  path?: string;
  change?: Change;
  reads?: boolean;
  isShared?: boolean;
  /** What the refusal says, and what to do; absent: it is used. */
  refusal?: RegExp;
}

const chown = (owner: User, below = ""): Change => (files, path) => files.chown(path + below, owner);
const chmod = (mode: number, below = ""): Change => (files, path) => files.chmod(path + below, mode);
const planted: Change = (files) => {
  files.as(bob, () => {
    files.makeDirectory("/home/bob");
    workdirOf(files, "/home/bob/trap").makeDirectories();
    workdirOf(files, "/tmp/dir").makeDirectories();
    files.symlink("/home/bob/trap", "/tmp/link");
  });
};

const cases: Case[] = [
  { what: "one's own", as: alice },
  { what: "one's own, and read", as: alice, reads: true },
  { what: "another user's", as: bob, refusal: /belongs to user 1001, and this process runs as user 1002.*--workdir/ },
  { what: "another user's, and only read", as: bob, reads: true, refusal: /belongs to user 1001/ },
  { what: "another user's, and shared", as: bob, isShared: true },
  {
    what: "root's",
    as: alice,
    change: chown(root),
    refusal: /belongs to root, and this process runs as user 1001.*chown -R 1001:2001 \/home\/alice\/work\//,
  },
  { what: "root's, and only read", as: alice, change: chown(root), reads: true },
  {
    what: "root's with a part that is another's",
    as: root,
    change: chown(alice, "/pods"),
    path: "/root/work",
    refusal: /'\/root\/work\/pods' belongs to user 1001/,
  },
  { what: "one's own with a part that is root's", as: alice, change: chown(root, "/backups") },
  {
    what: "one's own with a part that is another's",
    as: alice,
    change: chown(bob, "/pods"),
    refusal:
      /'\/home\/alice\/work\/pods' belongs to user 1002.*chown -R 1001:2001 \/home\/alice\/work\/;.*--shared-workdir/,
  },
  {
    what: "one's own with a part that is another's, and shared",
    as: alice,
    change: chown(bob, "/pods"),
    isShared: true,
  },
  {
    what: "writable by its group",
    as: alice,
    change: chmod(0o775),
    refusal:
      /'\/home\/alice\/work' is writable by others than its owner \(mode 775\).*chmod -R go-w \/home\/alice\/work\/;.*--shared-workdir/,
  },
  { what: "writable by all", as: alice, change: chmod(0o777), reads: true, refusal: /mode 777/ },
  {
    what: "writable by its group in part",
    as: alice,
    change: chmod(0o770, "/return-requests"),
    refusal: /'\/home\/alice\/work\/return-requests' is writable/,
  },
  {
    what: "writable by its group where machines are named as gone",
    as: alice,
    change: (files, path) => files.as(alice, () => files.makeDirectory(`${path}/lost`, { mode: 0o775 })),
    refusal: /'\/home\/alice\/work\/lost' is writable/,
  },
  { what: "writable by its group, and shared", as: alice, change: chmod(0o775), isShared: true },
  { what: "another user's, for root", as: root },
  {
    what: "another user's that is reached by root's own link",
    as: root,
    path: "/var/link",
    change: (files) =>
      files.as(root, () => (files.makeDirectory("/var"), files.symlink("../home/alice/work", "/var/link"))),
  },
  {
    what: "another user's below a directory that all may write in, for root",
    as: root,
    change: planted,
    path: "/tmp/dir",
    refusal:
      /belongs to user 1002, and others could have put it there: '\/tmp' is writable by others than its owner \(mode 777\).*run hostfactory as user 1002/,
  },
  {
    what: "another user's that is reached by a link that anybody could have made, for root",
    as: root,
    change: planted,
    path: "/tmp/link",
    refusal: /others could have put it there: '\/tmp' is writable by others than its owner \(mode 777\)/,
  },
  {
    what: "another user's below a third one's, for root",
    as: root,
    change: chown(bob, "/.."),
    refusal: /others could have put it there: '\/home\/alice' belongs to user 1002/,
  },
  {
    what: "another user's below a directory that a group may write in, for root",
    as: root,
    change: chmod(0o775, "/.."),
    refusal: /'\/home\/alice' is writable by others than its owner \(mode 775\)/,
  },
  {
    what: "another user's with a part that is a third one's, for root",
    as: root,
    change: chown(bob, "/requests"),
    refusal: /'\/home\/alice\/work\/requests' belongs to user 1002.*chown -R 1001:2001/,
  },
  {
    what: "another user's, wherever, and shared, for root",
    as: root,
    change: planted,
    path: "/tmp/dir",
    isShared: true,
  },
];

for (const { what, as, path = "/home/alice/work", change, reads = false, isShared = false, refusal } of cases) {
  Deno.test(`a work directory that is ${what} is ${refusal ? "refused" : "used"}`, () => {
    const files = host();
    files.as(root, () => workdirOf(files, "/root/work").makeDirectories());
    change?.(files, path);
    files.user = as;
    const writes = files.writes.length;
    const workdir = workdirOf(files, path, isShared);
    const acts = reads ? [() => workdir.check({ reads })] : [() => workdir.check(), () => workdir.makeDirectories()];
    for (const act of acts) {
      if (!refusal) act();
      else {
        assert.throws(act, (error: Error & { hint?: string }) => {
          assert.equal(error.name, "HostFactoryError");
          assert.match(error.message, new RegExp(`^Cannot use the work directory '${path}': `));
          assert.match(`${error.message} ${error.hint}`, refusal);
          return true;
        });
      }
    }
    if (refusal) assert.equal(files.writes.length, writes, "nothing was done");
  });
}

Deno.test("what root makes in another user's directory is that user's", () => {
  const files = host();
  files.user = root;
  const workdir = workdirOf(files, "/home/alice/work");
  workdir.makeDirectories();
  workdir.write("/home/alice/work/pods/p-0", "{}");
  workdir.link("running", "/home/alice/work/pods-status/p-0");
  workdir.makeDirectory("/home/alice/work/requests/p");
  for (const path of ["pods/p-0", "pods-status/p-0", "prototypes/word-running", "requests/p"]) {
    assert.deepEqual(files.info(`/home/alice/work/${path}`).owner, alice, path);
  }
  assert.deepEqual(files.user, root);
});

Deno.test("root that may not act as another user says so, and who may", () => {
  const files = host();
  files.user = root;
  files.as = () => {
    throw new Deno.errors.PermissionDenied("Operation not permitted");
  };
  assert.throws(() => workdirOf(files, "/home/alice/work").check(), {
    message: /belongs to user 1001, and this process may not act as that user: Operation not permitted$/,
    hint: "run hostfactory as user 1001",
  });
});

Deno.test("behind a check, too, what root makes in another user's directory is that user's", async () => {
  const files = host();
  files.user = root;
  const workdir = workdirOf(files, "/home/alice/work");
  workdir.check();
  await workdir.fenced(() => {}).writeDurably("/home/alice/work/instances.json", "{}");
  assert.deepEqual(files.info("/home/alice/work/instances.json").owner, alice);
});

Deno.test("where there are no users, no one is asked whose it is", () => {
  const files = host();
  Object.assign(files, { user: undefined });
  files.info = ((info) => (...given: Parameters<typeof info>) => {
    const { owner: _, ...rest } = info.apply(files, given);
    return rest;
  })(files.info);
  workdirOf(files, "/home/alice/work").check();
});

Deno.test("somebody who is quicker to make a missing work directory is noticed", () => {
  const files = host();
  files.user = alice;
  files.before = ({ name, paths }) => {
    if (name !== "makeDirectory" || paths[0] !== "/tmp") return;
    files.before = () => {};
    files.as(bob, () => files.makeDirectory("/tmp/work/requests"));
  };
  assert.throws(() => workdirOf(files, "/tmp/work").makeDirectories(), { message: /belongs to user 1002/ });
});

Deno.test("a request is trusted as the work directory is", () => {
  const files = host();
  files.user = alice;
  const path = "/home/alice/work/requests/r";
  const [workdir, shared] = [false, true].map((isShared) => workdirOf(files, "/home/alice/work", isShared));
  assert.equal(workdir?.distrust(path), undefined, "it is missing");
  workdir?.makeDirectory(path);
  assert.equal(workdir?.distrust(path), undefined);
  files.chown(path, root);
  assert.equal(workdir?.distrust(path), undefined);
  files.chown(path, bob);
  assert.match(workdir?.distrust(path) ?? "", /^It belongs to user 1002: .*chown -R 1001:2001 /);
  assert.equal(shared?.distrust(path), undefined);
  files.chown(path, alice);
  files.chmod(path, 0o722);
  assert.match(
    workdir?.distrust(path) ?? "",
    /^It is writable by others than its owner \(mode 722\): .*chmod -R go-w /,
  );
  files.removeTree(path);
  files.symlink("/home/alice", path);
  for (const one of [workdir, shared]) assert.equal(one?.distrust(path), "It is no directory");
});
