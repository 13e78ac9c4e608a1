import assert from "node:assert/strict";
import { DirectoryKeeper } from "../../src/serve/directory_keeper.ts";
import { type MemoryProvider, memoryProvider } from "../support/memory_provider.ts";

/** What a step says of the work directory after something was done to it. */
async function isLostAfter(change: (provider: MemoryProvider) => void, viewIsOurs = true): Promise<boolean> {
  const provider = memoryProvider();
  provider.files.writeText("/work/locks/pods.json", "us");
  let lost = false;
  const options = { watchers: ["pods"], viewIsOurs: () => viewIsOurs, lost: () => lost = true };
  const keeper = new DirectoryKeeper(provider, options);
  await keeper.step(new AbortController().signal);
  assert.equal(lost, !viewIsOurs);
  change(provider);
  await keeper.step(new AbortController().signal);
  return lost;
}

const losses: [what: string, change: (provider: MemoryProvider) => void][] = [
  ["removed", ({ files }) => files.removeTree("/work")],
  ["emptied", ({ files }) => files.list("/work").forEach(({ name }) => files.removeTree(`/work/${name}`))],
  ["made anew", ({ files, workdir }) => (files.removeTree("/work"), workdir.prepare())],
  ["a copy of what it was", ({ files }) => files.putBack("/work", files.copy("/work"))],
  ["moved away", ({ files }) => files.rename("/work", "/old")],
  ["without one of its directories", ({ files }) => files.removeTree("/work/pods-status")],
  ["somebody else's", ({ files }) => files.writeText("/work/locks/pods.json", "them")],
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

Deno.test("a work directory that cannot be looked at is not lost", () => {
  const { files, workdir, clock } = memoryProvider();
  const keeper = new DirectoryKeeper({ workdir, clock }, {
    watchers: [],
    viewIsOurs: () => true,
    lost: () => assert.fail(),
  });
  files.failWhere(({ name }) => name === "info", new Deno.errors.PermissionDenied("no"));
  assert.throws(() => keeper.step(new AbortController().signal), /no/);
});
