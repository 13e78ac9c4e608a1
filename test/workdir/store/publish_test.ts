import assert from "node:assert/strict";
import { seededRandom } from "../../../src/random.ts";
import { Draft, isTaken, publish } from "../../../src/workdir/store/publish.ts";
import { Workdir } from "../../../src/workdir/store/workdir.ts";
import { MemoryFiles, noSpace } from "../../support/memory_files.ts";

function make(): { files: MemoryFiles; workdir: Workdir } {
  const files = new MemoryFiles();
  files.makeDirectory("/work/parent");
  return { files, workdir: new Workdir("/work", { files, random: seededRandom(1) }) };
}

const empty = () => Promise.resolve([]);

Deno.test("a directory that cannot be filled is not there, nor anything of it", async () => {
  const { files, workdir } = make();
  const error = new Error("no");
  const fill = (directory: string) => {
    files.writeText(`${directory}/half`, "");
    return Promise.reject(error);
  };
  await assert.rejects(() => publish(workdir, "/work/parent/x", fill), {
    message: "Cannot write '/work/parent/x': no",
    cause: error,
  });
  assert.deepEqual(files.tree("/work"), { "parent/": "" });
});

Deno.test("a name that is taken is told from other trouble, and what has it stays as it is", async () => {
  const { files, workdir } = make();
  const fill = (text: string) => (directory: string) => {
    files.writeText(`${directory}/file`, text);
    return Promise.resolve([`${directory}/file`]);
  };
  await publish(workdir, "/work/parent/x", fill("first"));
  await assert.rejects(() => publish(workdir, "/work/parent/x", fill("second")), isTaken);
  assert.deepEqual(files.tree("/work"), { "parent/x/file": "first" });
  for (const error of [noSpace(), new Deno.errors.NotFound(), undefined]) assert.ok(!isTaken(error));
});

Deno.test("what the first error says is not hidden by that of the cleaning up", async () => {
  const { files, workdir } = make();
  files.failWhere(({ name }) => name === "rename" || name === "removeTree", noSpace());
  await assert.rejects(() => publish(workdir, "/work/parent/x", empty), {
    message: /No space left/,
    hint: /has room/,
  });
});

/** Takes its place where fewer than `most` have theirs, in steps that others may come between. */
async function* bidder(workdir: Workdir, path: string, most: number): AsyncGenerator<void, void> {
  const draft = await Draft.build(workdir, path, empty);
  while (true) {
    yield;
    draft.bid();
    yield;
    if (workdir.names("/work/parent").length >= most) return draft.discard();
    yield;
    if (await draft.place()) return;
  }
}

/** Every order in which steps of `bidders` come one after the other, `length` of them. */
function orders(bidders: number, length: number): number[][] {
  if (length === 0) return [[]];
  return orders(bidders, length - 1).flatMap((order) => Array.from({ length: bidders }, (_, next) => [...order, next]));
}

for (const [bidders, most, length] of [[2, 1, 9], [3, 1, 6], [3, 2, 6]] as const) {
  Deno.test(`of ${bidders} that bid for ${most} place(s), ${most} get(s) one, in whatever order they take their steps`, async () => {
    for (const order of orders(bidders, length)) {
      const { files, workdir } = make();
      const all = Array.from({ length: bidders }, (_, i) => bidder(workdir, `/work/parent/x${i}`, most));
      for (const next of order) await all[next]?.next();
      for (const one of all) while (!(await one.next()).done);
      assert.equal(files.list("/work/parent").length, most, order.join(""));
      assert.equal(workdir.names("/work/parent").length, most, order.join(""));
    }
  });
}

Deno.test("whoever stops for good at any step holds up nobody", async () => {
  for (const order of orders(2, 8)) {
    const { workdir } = make();
    const [stops, goesOn] = [bidder(workdir, "/work/parent/stops", 1), bidder(workdir, "/work/parent/goes-on", 1)];
    for (const next of order) await (next === 0 ? stops : goesOn).next();
    while (!(await goesOn.next()).done);
    assert.equal(workdir.names("/work/parent").length, 1, order.join(""));
  }
});

Deno.test("a bid takes no name from what is none", async () => {
  const { files, workdir } = make();
  for (const name of [".bid", "a.bid", ".new-1-1", ".new-1-1.bid.old"]) files.makeDirectory(`/work/parent/${name}`);
  const before = files.tree("/work/parent");
  const draft = await Draft.build(workdir, "/work/parent/x", empty);
  draft.bid();
  draft.discard();
  assert.deepEqual(files.tree("/work/parent"), before);
});

Deno.test("what was placed stays, though it is discarded afterwards", async () => {
  const { files, workdir } = make();
  const draft = await Draft.build(workdir, "/work/parent/x", empty);
  assert.ok(await draft.place());
  draft.discard();
  assert.deepEqual(files.tree("/work"), { "parent/x/": "" });
});

Deno.test("bids that no one can have made are put out of the way as well", async () => {
  const { files, workdir } = make();
  for (const name of [".new-a", ".new-a.bid", ".new-b"]) files.makeDirectory(`/work/parent/${name}/full`);
  files.pipe("/work/parent/.new-b.bid");
  const draft = await Draft.build(workdir, "/work/parent/x", empty);
  draft.bid();
  assert.deepEqual(files.list("/work/parent").filter(({ name }) => name.endsWith(".bid")).length, 1, "our own");
  assert.ok(await draft.place());
});
