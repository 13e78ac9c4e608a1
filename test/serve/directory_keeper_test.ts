import assert from "node:assert/strict";
import { DirectoryKeeper } from "../../src/serve/directory_keeper.ts";
import { MemoryFiles } from "../support/memory_files.ts";
import { type MemoryProvider, memoryProvider } from "../support/memory_provider.ts";

/** How the notes beside a lock are written. */
function notes({ files, clock }: MemoryProvider, watcher: string) {
  const note = (standby: string | undefined) =>
    files.writeText(
      `/work/locks/${watcher}.json`,
      `us, at ${clock.now()}${standby === undefined ? "" : `: ${standby}`}`,
    );
  return { note, trouble: () => undefined as string | undefined };
}

/** What a step says of the work directory after something was done to it. */
async function isLostAfter(change: (provider: MemoryProvider) => unknown, viewIsOurs = true): Promise<boolean> {
  const provider = memoryProvider();
  provider.files.writeText("/work/locks/pods.json", "us");
  let lost = false;
  const options = { watchers: ["pods"], viewIsOurs: () => viewIsOurs, lost: (reason: string) => lost = reason !== "" };
  const keeper = new DirectoryKeeper(provider, { ...options, ...notes(provider, "pods") });
  await keeper.step(new AbortController().signal);
  assert.equal(lost, !viewIsOurs);
  await change(provider);
  await keeper.step(new AbortController().signal);
  return lost;
}

const losses: [what: string, change: (provider: MemoryProvider) => unknown][] = [
  ["removed", ({ files }) => files.removeTree("/work")],
  ["emptied", ({ files }) => files.list("/work").forEach(({ name }) => files.removeTree(`/work/${name}`))],
  ["made again", ({ files, workdir }) => (files.removeTree("/work"), workdir.prepare())],
  ["a copy of what it was", ({ files }) => files.putBack("/work", files.copy("/work"))],
  ["moved away", ({ files }) => files.rename("/work", "/old")],
  ["without one of its directories", ({ files }) => files.removeTree("/work/pods-status")],
  ["watched by somebody else", ({ files }) => files.writeText("/work/locks/pods.json", "them")],
  ["somebody else's", ({ files }) => files.chown("/work", { uid: 1001, gid: 1001 })],
  ["somebody else's in part", ({ files }) => files.chown("/work/requests", { uid: 1001, gid: 1001 })],
  ["writable by others", ({ files }) => files.chmod("/work", 0o757)],
  ["writable by a group in part", ({ files }) => files.chmod("/work/return-requests", 0o775)],
];
for (const [what, change] of losses) {
  Deno.test(`a work directory that is ${what} is lost`, async () => assert.ok(await isLostAfter(change)));
}

Deno.test("a work directory whose view of the cluster somebody else wrote is lost: a backup was put back", async () => {
  assert.ok(await isLostAfter(() => {}, false));
});

Deno.test("a work directory stays ours, whatever is written in it", async () => {
  const change = ({ files }: MemoryProvider) => {
    files.writeText("/work/pods/a-0", "{}");
    files.writeText("/work/locks/expiry.json", "them");
  };
  assert.equal(await isLostAfter(change), false);
});

Deno.test("a work directory that goes from one user to another is lost for root, though both may have one", async () => {
  const files = new MemoryFiles();
  files.user = { uid: 0, gid: 0 };
  for (const path of ["/", "/work", "/conf"]) files.makeDirectory(path);
  for (const path of ["/", "/work"]) files.chown(path, files.user);
  files.chown("/work", { uid: 1001, gid: 1001 });
  const provider = memoryProvider({ files });
  const reasons: string[] = [];
  const lost = (reason: string) => reasons.push(reason);
  const options = { watchers: [], viewIsOurs: () => true, lost, ...notes(provider, "pods") };
  const keeper = new DirectoryKeeper(provider, options);
  await keeper.step(new AbortController().signal);
  assert.deepEqual(reasons, []);
  for (const { name } of files.list("/work")) files.chown(`/work/${name}`, { uid: 1002, gid: 1002 });
  files.chown("/work", { uid: 1002, gid: 1002 });
  await keeper.step(new AbortController().signal);
  assert.deepEqual(reasons, ["It was given to another user"]);
});

Deno.test("a work directory that cannot be looked at is not lost", () => {
  const provider = memoryProvider();
  const { files } = provider;
  const options = { watchers: [], viewIsOurs: () => true, lost: () => assert.fail() };
  const keeper = new DirectoryKeeper(provider, { ...options, ...notes(provider, "pods") });
  files.failWhere(({ name }) => name === "info", new Deno.errors.PermissionDenied("no"));
  assert.throws(() => keeper.step(new AbortController().signal), /no/);
});

Deno.test("where no view is kept, older notes of who holds the locks show that a backup was copied over them", async () => {
  const provider = memoryProvider();
  const { files, clock } = provider;
  const [path, signal] = ["/work/locks/expiry.json", new AbortController().signal];
  files.writeText(path, "us");
  let lost = false;
  const options = { watchers: ["expiry"], lost: () => lost = true };
  const keeper = new DirectoryKeeper(provider, { ...options, ...notes(provider, "expiry") });
  await keeper.step(signal);
  const backup = files.readText(path);
  for (let looks = 0; looks < 3; looks++) {
    await clock.advance(1_000);
    await keeper.step(signal);
  }
  assert.ok(!lost, "what it wrote itself is its own");
  files.writeText(path, backup);
  await keeper.step(signal);
  assert.ok(lost);
});

Deno.test("the notes beside the locks say every five seconds that we are there, and at once what is amiss", async () => {
  const provider = memoryProvider();
  const { files, clock } = provider;
  const [path, { signal }] = ["/work/locks/pods.json", new AbortController()];
  const { note } = notes(provider, "pods");
  let trouble: string | undefined = undefined;
  const options = {
    watchers: ["pods"],
    viewIsOurs: () => true,
    lost: () => assert.fail(),
    note,
    trouble: () => trouble,
  };
  const keeper = new DirectoryKeeper(provider, options);
  const lookFor = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      await keeper.step(signal);
      await clock.advance(1_000);
    }
    return files.readText(path);
  };
  const first = await lookFor(3);
  assert.equal(await lookFor(2), first);
  const second = await lookFor(1);
  assert.notEqual(second, first);
  trouble = "cut off";
  assert.match(await lookFor(1), /: cut off$/);
});
