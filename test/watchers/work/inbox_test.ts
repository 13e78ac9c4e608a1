import assert from "node:assert/strict";
import { Inbox } from "../../../src/watchers/work/inbox.ts";
import { Retries } from "../../../src/watchers/work/retries.ts";
import { isProcessed, markProcessed, readRequest, type StoredRequest } from "../../../src/workdir/requests.ts";
import { notPermitted } from "../../support/memory_files.ts";
import { ask, memoryDependencies } from "../../support/memory_dependencies.ts";

function make() {
  const dependencies = memoryDependencies();
  const { workdir } = dependencies;
  const taken: string[] = [];
  let wakes = 0;
  const begin = () =>
    new Inbox<StoredRequest>(dependencies, {
      what: "request",
      directory: workdir.layout.requests,
      isProcessed: (id) => isProcessed(workdir, id),
      read: (id) => readRequest(workdir, id),
      take: ({ id }) => void taken.push(id),
      retries: new Retries(dependencies, { failed() {} }),
      wake: () => wakes++,
    });
  return { dependencies, taken, begin, wakes: () => wakes };
}

Deno.test("each that is not handled is taken up once; what was there before is told from what came", async () => {
  const { dependencies, taken, begin } = make();
  for (const id of ["open", "handled"]) await ask(dependencies, id, 1);
  await markProcessed(dependencies.workdir, "handled");
  const inbox = begin();
  await inbox.step();
  await ask(dependencies, "later", 1);
  await inbox.step();
  await inbox.step();
  assert.deepEqual(taken, ["open", "later"]);
  assert.deepEqual(["open", "later"].map((id) => inbox.isInherited(id)), [true, false]);
  assert.ok(!inbox.has("open"));
});

Deno.test("what cannot be read is read later, and holds up no other; what is none is noted", async () => {
  const { dependencies, taken, begin } = make();
  const { files, clock, workdir } = dependencies;
  for (const id of ["bad", "good"]) await ask(dependencies, id, 1);
  files.writeText("/work/requests/file", "");
  files.failWhere(({ name, paths }) => name === "list" && paths[0] === "/work/requests/bad", notPermitted());
  const inbox = begin();
  await inbox.step();
  assert.deepEqual(taken, ["good"]);
  assert.ok(inbox.has("bad"));
  assert.deepEqual([...workdir.broken.all.values()].map(({ path, reason }) => [path, reason]), [
    ["/work/requests/file", "It is not a request"],
  ]);
  files.before = () => {};
  await clock.advance(60_000);
  await inbox.step();
  assert.deepEqual(taken, ["good", "bad"]);
});

Deno.test("a request that others may change is not taken up before that is over, and it is said why", async () => {
  const { dependencies, taken, begin } = make();
  const { files, clock, workdir } = dependencies;
  for (const id of ["planted", "open", "good"]) await ask(dependencies, id, 1);
  files.chown("/work/requests/planted", { uid: 1001, gid: 1001 });
  files.chmod("/work/requests/open", 0o775);
  const inbox = begin();
  await inbox.step();
  assert.deepEqual(taken, ["good"]);
  const see = "see what others have put there, then run:";
  assert.deepEqual([...workdir.broken.all.values()].map(({ path, reason }) => [path, reason]).sort(), [
    [
      "/work/requests/open",
      `It is writable by others than its owner (mode 775): ${see} chmod -R go-w /work/requests/open/`,
    ],
    ["/work/requests/planted", `It belongs to user 1001: ${see} chown -R 1000:1000 /work/requests/planted/`],
  ]);
  files.chown("/work/requests/planted", files.user);
  files.chmod("/work/requests/open", 0o755);
  await clock.advance(60_000);
  await inbox.step();
  assert.deepEqual(taken.sort(), ["good", "open", "planted"]);
  assert.equal(workdir.broken.size, 0);
});

Deno.test("of very many, some are read at a time, and it wakes itself for the rest", async () => {
  const { dependencies, taken, begin, wakes } = make();
  for (let i = 0; i < 10; i++) await ask(dependencies, `req${i}`, 1);
  const { clock } = dependencies;
  const monotonic = clock.monotonic.bind(clock);
  let passedMs = 0;
  clock.monotonic = () => monotonic() + passedMs;
  dependencies.files.before = ({ name }) => void (name === "list" && (passedMs += 10));
  const inbox = begin();
  await inbox.step();
  assert.ok(taken.length > 0 && taken.length < 5, `${taken.length}`);
  for (let i = 0; i < 10 && wakes() > i; i++) await inbox.step();
  assert.equal(taken.length, 10);
});
