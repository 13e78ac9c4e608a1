import assert from "node:assert/strict";
import { Budget } from "../../../src/budget.ts";
import { ReturnIndex } from "../../../src/workdir/index/returns.ts";
import { addReturn } from "../../../src/workdir/returns.ts";
import { atOnce } from "../../support/at_once.ts";
import { existingIds, furnishExisting } from "../../support/legacy_workdir.ts";
import { notPermitted } from "../../support/memory_files.ts";
import { memoryProvider } from "../../support/memory_provider.ts";

const request = (id: string, ...machines: string[]) => ({ id, machines, unknown: ["never-0"], requestedAt: 0 });

Deno.test("what was given back is known from the refresh after it on, what was never issued is not", async () => {
  const { workdir, clock } = memoryProvider();
  const returns = new ReturnIndex(workdir);
  assert.equal(returns.refresh(clock.now()), false);
  await addReturn(workdir, request("one", "a-0", "a-1"), atOnce);
  assert.equal(returns.has("a-0"), false);
  assert.equal(returns.refresh(clock.now()), true);
  assert.deepEqual(["a-0", "a-1", "a-2", "never-0"].map((name) => returns.has(name)), [true, true, false, false]);
  await addReturn(workdir, request("two", "a-2"), atOnce);
  assert.equal(returns.refresh(clock.now()), true);
  assert.equal(returns.has("a-2"), true);
  assert.equal(returns.refresh(clock.now()), false);
});

Deno.test("very many return requests are read in turns", async () => {
  const { workdir, clock } = memoryProvider();
  for (const id of ["one", "two", "three"]) await addReturn(workdir, request(id, `${id}-0`), atOnce);
  const returns = new ReturnIndex(workdir);
  let turns = 0;
  const budget = new Budget(clock, { turnMs: 0 });
  budget.breathe = () => Promise.resolve(void turns++);
  await returns.refreshInTurns(clock.now(), budget);
  assert.deepEqual(["one-0", "two-0", "three-0"].map((name) => returns.has(name)), [true, true, true]);
  assert.equal(turns, 3);
  await returns.refreshInTurns(clock.now(), budget);
  assert.equal(turns, 3);
});

Deno.test("the legacy plug-in's return requests count", () => {
  const { files, workdir, clock } = memoryProvider();
  furnishExisting(files, "");
  const returns = new ReturnIndex(workdir);
  returns.refresh(clock.now());
  assert.ok(returns.has(`${existingIds.running}-0`));
});

Deno.test("a return request that cannot be read now is read later, and hides no other", async () => {
  const { files, workdir, clock } = memoryProvider();
  for (const id of ["one", "two", "three"]) await addReturn(workdir, request(id, `${id}-0`), atOnce);
  const returns = new ReturnIndex(workdir);
  files.failWhere(({ name, paths }) => name === "list" && paths[0] === "/work/return-requests/two", notPermitted());
  returns.refresh(clock.now());
  assert.deepEqual(["one-0", "two-0", "three-0"].map((name) => returns.has(name)), [true, false, true]);
  files.before = () => {};
  returns.refresh(clock.now());
  assert.deepEqual(["one-0", "two-0", "three-0"].map((name) => returns.has(name)), [true, true, true]);
});

Deno.test("machines whose return requests are gone are forgotten, unless another names them", async () => {
  const { files, workdir, clock } = memoryProvider();
  const returns = new ReturnIndex(workdir);
  await addReturn(workdir, request("one", "a-0", "a-1"), atOnce);
  await addReturn(workdir, request("two", "a-1", "a-2"), atOnce);
  returns.refresh(clock.now());
  files.removeTree("/work/return-requests/one");
  returns.refresh(clock.now());
  assert.deepEqual(["a-0", "a-1", "a-2"].map((name) => returns.has(name)), [false, true, true]);
  files.removeTree("/work/return-requests/two");
  returns.refresh(clock.now());
  assert.equal(returns.has("a-1"), false);
});

Deno.test("what a return request says that others may change does not count before that is over", async () => {
  const { files, workdir } = memoryProvider();
  await addReturn(workdir, request("planted", "a-0"), atOnce);
  files.chown("/work/return-requests/planted", { uid: 1001, gid: 1001 });
  const index = new ReturnIndex(workdir);
  index.refresh(100_000);
  assert.ok(!index.has("a-0"));
  files.chown("/work/return-requests/planted", files.user);
  index.refresh(200_000);
  assert.ok(index.has("a-0"));
});

Deno.test("the revision is another whenever there were new return requests, also where as many have gone", async () => {
  const { files, workdir, clock } = memoryProvider();
  const returns = new ReturnIndex(workdir);
  await addReturn(workdir, request("one", "a-0"), atOnce);
  returns.refresh(clock.now());
  const before = returns.revision;
  returns.refresh(clock.now());
  assert.equal(returns.revision, before);
  files.removeTree("/work/return-requests/one");
  await addReturn(workdir, request("two", "a-0"), atOnce);
  returns.refresh(clock.now());
  assert.notEqual(returns.revision, before);
});

Deno.test("the return request of a machine is found again", async () => {
  const { workdir, clock } = memoryProvider();
  await addReturn(workdir, request("one", "a-0", "a-1"), atOnce);
  await addReturn(workdir, request("two", "b-0"), atOnce);
  const returns = new ReturnIndex(workdir);
  returns.refresh(clock.now());
  assert.deepEqual([...returns.requestsOf(new Set(["a-1", "b-0", "c-0"]))].sort(), [["a-1", "one"], ["b-0", "two"]]);
});
