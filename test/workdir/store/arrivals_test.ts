import assert from "node:assert/strict";
import { Arrivals } from "../../../src/workdir/store/arrivals.ts";
import { memoryProvider } from "../../support/memory_provider.ts";

function make() {
  const { files, workdir, clock } = memoryProvider();
  const directory = workdir.layout.requests;
  const arrivals = new Arrivals(workdir, directory);
  return {
    files,
    clock,
    directory,
    add: (name: string) => files.makeDirectory(`${directory}/${name}`),
    next: () => arrivals.next(clock.now()).sort(),
    arrivals,
  };
}

Deno.test("each name is given once, hidden ones never", () => {
  const { add, next } = make();
  assert.deepEqual(next(), []);
  add("a");
  add(".new-x");
  add("b");
  assert.deepEqual(next(), ["a", "b"]);
  add("c");
  assert.deepEqual(next(), ["c"]);
  assert.deepEqual(next(), []);
});

Deno.test("a directory that is not there has no names, until it is there", () => {
  const { files, directory, add, next } = make();
  files.removeTree(directory);
  assert.deepEqual(next(), []);
  add("a");
  assert.deepEqual(next(), ["a"]);
});

Deno.test("a name that comes within one tick of the file system's clock is not missed", async () => {
  const { files, clock, directory, add, next } = make();
  add("a");
  const tick = files.info(directory).modifiedMs;
  await clock.advance(1_900);
  assert.deepEqual(next(), ["a"]);
  add("b");
  files.touch(directory, tick); // The file system has not ticked yet.
  assert.deepEqual(next(), ["b"]);
});

Deno.test("nor is one that comes within a tick of a file server whose clock is half an hour behind", async () => {
  const { files, clock, directory, add, next } = make();
  const tick = clock.now() - 1_800_000;
  assert.deepEqual(next(), []);
  add("a");
  files.touch(directory, tick);
  assert.deepEqual(next(), ["a"]);
  add("b");
  files.touch(directory, tick);
  await clock.advance(100);
  assert.deepEqual(next(), ["b"]);
});

Deno.test("a directory that has settled is not listed again until it changes", async () => {
  const { files, clock, add, next } = make();
  add("a");
  assert.deepEqual(next(), ["a"]);
  await clock.advance(3_000);
  assert.deepEqual(next(), []);
  let lists = 0;
  files.before = ({ name }) => void (name === "list" && lists++);
  for (let i = 0; i < 10; i++) next();
  assert.equal(lists, 0);
  add("b");
  assert.deepEqual(next(), ["b"]);
});

for (const skewMs of [-3_600_000, 3_600_000]) {
  Deno.test(`nothing is missed where the file server's clock is ${skewMs / 60_000} minutes off`, () => {
    const { files, clock, directory, add, next } = make();
    add("a");
    files.touch(directory, clock.now() + skewMs);
    assert.deepEqual(next(), ["a"]);
    add("b");
    files.touch(directory, clock.now() + skewMs + 10);
    assert.deepEqual(next(), ["b"]);
  });
}

Deno.test("what comes within one tick of a file server's clock that is off is found within a minute", async () => {
  const { files, clock, directory, add, next } = make();
  add("a");
  const tick = clock.now() - 3_600_000;
  files.touch(directory, tick);
  assert.deepEqual(next(), ["a"]);
  add("b");
  files.touch(directory, tick);
  await clock.advance(60_000);
  assert.deepEqual(next(), ["b"]);
});

Deno.test("a name that was forgotten is given again, as long as it is there", async () => {
  const { files, clock, directory, add, next, arrivals } = make();
  add("a");
  add("b");
  await clock.advance(3_000);
  next();
  arrivals.forget("a");
  arrivals.forget("b");
  files.removeTree(`${directory}/b`);
  assert.deepEqual(next(), ["a"]);
});

Deno.test("a name that has gone is told of once, and given again should it come back", () => {
  const { files, workdir, clock } = memoryProvider();
  const directory = workdir.layout.requests;
  const gone: string[] = [];
  const arrivals = new Arrivals(workdir, directory, { gone: (name) => gone.push(name) });
  for (const name of ["a", "b"]) files.makeDirectory(`${directory}/${name}`);
  arrivals.next(clock.now());
  files.removeTree(`${directory}/a`);
  for (let i = 0; i < 2; i++) assert.deepEqual(arrivals.next(clock.now()), []);
  assert.deepEqual(gone, ["a"]);
  files.makeDirectory(`${directory}/a`);
  assert.deepEqual(arrivals.next(clock.now()), ["a"]);
});

Deno.test("a name to be reconsidered is given again once anything has changed, and costs nothing until then", async () => {
  const { files, clock, directory, add, next, arrivals } = make();
  files.writeText(`${directory}/a`, "");
  assert.deepEqual(next(), ["a"]);
  await clock.advance(3_000);
  assert.deepEqual(next(), []);
  arrivals.reconsider("a");
  assert.deepEqual(next(), []);
  files.remove(`${directory}/a`);
  add("a");
  assert.deepEqual(next(), ["a"]);
});
