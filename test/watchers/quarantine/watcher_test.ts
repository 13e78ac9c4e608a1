import assert from "node:assert/strict";
import { TimeoutsWatcher } from "../../../src/watchers/timeouts/watcher.ts";
import { RequestMachinesWatcher } from "../../../src/watchers/requests/watcher.ts";
import { RequestReturnMachinesWatcher } from "../../../src/watchers/returns/watcher.ts";
import { QuarantineWatcher } from "../../../src/watchers/quarantine/watcher.ts";
import { MOST_BROKEN_ENTRIES } from "../../../src/workdir/store/quarantine.ts";
import { ask, type MemoryDependencies, memoryDependencies, run } from "../../support/memory_dependencies.ts";

interface Note {
  path: string;
  reason: string;
  since: string;
  times: number;
}

function notes({ files, workdir }: MemoryDependencies): Note[] {
  const names = files.list(workdir.layout.setAside).map(({ name }) => name).sort();
  return names.map((name) => JSON.parse(files.readText(`${workdir.layout.setAside}/${name}`)));
}

/** What watchers meet, and what of it is written down. */
async function look(dependencies: MemoryDependencies, keeper: QuarantineWatcher): Promise<Note[]> {
  await keeper.step(dependencies.stopping);
  const loops = [
    new RequestMachinesWatcher(dependencies, () => {}),
    new RequestReturnMachinesWatcher(dependencies, () => {}),
    new TimeoutsWatcher(dependencies, { podTimeoutSeconds: 300, imagePullGraceSeconds: 60, wake: () => {} }),
    keeper,
  ];
  for (const loop of loops) await run(loop, dependencies, 2_000);
  return notes(dependencies);
}

Deno.test("what is broken is written down with its reason, since when, and how often it was met", async () => {
  const dependencies = memoryDependencies();
  const { files } = dependencies;
  files.writeText("/work/requests/notes.txt", "");
  files.symlink("/elsewhere", "/work/requests/linked");
  files.pipe("/work/return-requests/pipe");
  files.writeText("/work/pods/x-0", "{");
  files.symlink("exploded", "/work/pods-status/x-0");
  await ask(dependencies, "good", 1);
  const found = await look(dependencies, new QuarantineWatcher(dependencies));
  assert.deepEqual(found.map(({ path, reason }) => [path, reason]).sort(), [
    ["/work/pods-status/x-0", "Its state 'exploded' is not known"],
    ["/work/pods/x-0", "It does not hold what it should"],
    ["/work/requests/linked", "It is not a request"],
    ["/work/requests/notes.txt", "It is not a request"],
    ["/work/return-requests/pipe", "It is not a return request"],
  ]);
  for (const { since, times } of found) {
    assert.match(since, /^2026-11-20T00:00:\d\d/);
    assert.ok(times >= 1);
  }
  assert.deepEqual([...dependencies.kube.pods.keys()], ["good-0"], "and all others are served");
});

Deno.test("a note goes once its entry is as it should be, or gone", async () => {
  const dependencies = memoryDependencies();
  const { files, clock, workdir } = dependencies;
  files.writeText("/work/requests/late", "");
  files.writeText("/work/requests/junk", "");
  const keeper = new QuarantineWatcher(dependencies);
  const watcher = new RequestMachinesWatcher(dependencies, () => {});
  await run(watcher, dependencies, 2_000);
  await run(keeper, dependencies, 6_000);
  assert.equal(notes(dependencies).length, 2);

  files.remove("/work/requests/late");
  await ask(dependencies, "late", 1);
  await run(watcher, dependencies, 5_000);
  assert.deepEqual([...dependencies.kube.pods.keys()], ["late-0"], "what took its place is served");
  await run(keeper, dependencies, 6_000);
  assert.deepEqual(notes(dependencies).map(({ path }) => path), ["/work/requests/junk"]);
  files.remove("/work/requests/junk");
  await clock.advance(60_000);
  await run(keeper, dependencies, 6_000);
  assert.deepEqual(files.list(workdir.layout.setAside), []);
});

Deno.test("notes of an earlier process go once they are untrue, and stay as they were while they are true", async () => {
  const before = memoryDependencies();
  before.files.writeText("/work/pods/x-0", "{");
  before.files.writeText("/work/pods/y-0", "{");
  const [, first] = await look(before, new QuarantineWatcher(before));
  const after = memoryDependencies({ files: before.files, clock: before.clock, seed: 2 });
  after.files.writeText("/work/pods/y-0", '{"metadata":{"name":"y-0","uid":"u"}}');
  await after.clock.advance(10_000);
  const [left, ...others] = await look(after, new QuarantineWatcher(after));
  assert.deepEqual(others, []);
  assert.equal(left?.path, "/work/pods/x-0");
  assert.equal(left?.since, first?.since);
});

Deno.test("a note of an earlier process that nothing bears out any more goes within a quarter of an hour", async () => {
  const before = memoryDependencies();
  before.files.writeText("/work/pods/x-0", "");
  before.workdir.broken.note("/work/pods/x-0", "It was in somebody's way", "somebody");
  await run(new QuarantineWatcher(before), before, 6_000);
  const dependencies = memoryDependencies({ files: before.files, clock: before.clock, seed: 2 });
  const { clock } = dependencies;
  const keeper = new QuarantineWatcher(dependencies);
  await run(keeper, dependencies, 60_000);
  assert.equal(notes(dependencies).length, 1);
  await clock.advance(15 * 60_000);
  await run(keeper, dependencies, 6_000);
  assert.deepEqual(notes(dependencies), []);
});

Deno.test("notes are bounded, whatever lies there", async () => {
  const dependencies = memoryDependencies();
  const { files } = dependencies;
  for (let i = 0; i < MOST_BROKEN_ENTRIES + 200; i++) files.writeText(`/work/requests/junk-${i}`, "");
  assert.equal((await look(dependencies, new QuarantineWatcher(dependencies))).length, MOST_BROKEN_ENTRIES);
});

Deno.test("a full disk holds up the notes, and nothing of them is forgotten", async () => {
  const dependencies = memoryDependencies();
  const { files } = dependencies;
  files.writeText("/work/requests/junk", "");
  await run(new RequestMachinesWatcher(dependencies, () => {}), dependencies, 2_000);
  const keeper = new QuarantineWatcher(dependencies);
  files.failWhere(({ name }) => name === "writeText", new Error("No space left on device (os error 28)"));
  await assert.rejects(async () => await keeper.step(dependencies.stopping), /No space left/);
  files.before = () => {};
  await run(keeper, dependencies, 6_000);
  assert.equal(notes(dependencies).length, 1);
});
