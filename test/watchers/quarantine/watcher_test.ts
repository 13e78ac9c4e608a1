import assert from "node:assert/strict";
import { TimeoutsWatcher } from "../../../src/watchers/timeouts/watcher.ts";
import { RequestMachinesWatcher } from "../../../src/watchers/requests/watcher.ts";
import { RequestReturnMachinesWatcher } from "../../../src/watchers/returns/watcher.ts";
import { QuarantineWatcher } from "../../../src/watchers/quarantine/watcher.ts";
import { MOST_BROKEN_ENTRIES } from "../../../src/workdir/store/quarantine.ts";
import { ask, type MemoryWatching, memoryWatching, run } from "../../support/memory_watching.ts";

interface Note {
  path: string;
  reason: string;
  since: string;
  times: number;
}

function notes({ files, workdir }: MemoryWatching): Note[] {
  const names = files.list(workdir.layout.setAside).map(({ name }) => name).sort();
  return names.map((name) => JSON.parse(files.readText(`${workdir.layout.setAside}/${name}`)));
}

/** What watchers meet, and what of it is written down. */
async function look(watching: MemoryWatching, keeper: QuarantineWatcher): Promise<Note[]> {
  await keeper.step(watching.stopping);
  const loops = [
    new RequestMachinesWatcher(watching, () => {}),
    new RequestReturnMachinesWatcher(watching, () => {}),
    new TimeoutsWatcher(watching, { podTimeoutSeconds: 300, imagePullGraceSeconds: 60, wake: () => {} }),
    keeper,
  ];
  for (const loop of loops) await run(loop, watching, 2_000);
  return notes(watching);
}

Deno.test("what is broken is written down with its reason, since when, and how often it was met", async () => {
  const watching = memoryWatching();
  const { files } = watching;
  files.writeText("/work/requests/notes.txt", "");
  files.symlink("/elsewhere", "/work/requests/linked");
  files.pipe("/work/return-requests/pipe");
  files.writeText("/work/pods/x-0", "{");
  files.symlink("exploded", "/work/pods-status/x-0");
  await ask(watching, "good", 1);
  const found = await look(watching, new QuarantineWatcher(watching));
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
  assert.deepEqual([...watching.kube.pods.keys()], ["good-0"], "and all others are served");
});

Deno.test("a note goes once its entry is as it should be, or gone", async () => {
  const watching = memoryWatching();
  const { files, clock, workdir } = watching;
  files.writeText("/work/requests/late", "");
  files.writeText("/work/requests/junk", "");
  const keeper = new QuarantineWatcher(watching);
  const watcher = new RequestMachinesWatcher(watching, () => {});
  await run(watcher, watching, 2_000);
  await run(keeper, watching, 6_000);
  assert.equal(notes(watching).length, 2);

  files.remove("/work/requests/late");
  await ask(watching, "late", 1);
  await run(watcher, watching, 5_000);
  assert.deepEqual([...watching.kube.pods.keys()], ["late-0"], "what took its place is served");
  await run(keeper, watching, 6_000);
  assert.deepEqual(notes(watching).map(({ path }) => path), ["/work/requests/junk"]);
  files.remove("/work/requests/junk");
  await clock.advance(60_000);
  await run(keeper, watching, 6_000);
  assert.deepEqual(files.list(workdir.layout.setAside), []);
});

Deno.test("notes of an earlier process go once they are untrue, and stay as they were while they are true", async () => {
  const before = memoryWatching();
  before.files.writeText("/work/pods/x-0", "{");
  before.files.writeText("/work/pods/y-0", "{");
  const [, first] = await look(before, new QuarantineWatcher(before));
  const after = memoryWatching({ files: before.files, clock: before.clock, seed: 2 });
  after.files.writeText("/work/pods/y-0", '{"metadata":{"name":"y-0","uid":"u"}}');
  await after.clock.advance(10_000);
  const [left, ...others] = await look(after, new QuarantineWatcher(after));
  assert.deepEqual(others, []);
  assert.equal(left?.path, "/work/pods/x-0");
  assert.equal(left?.since, first?.since);
});

Deno.test("a note of an earlier process that nothing bears out any more goes within a quarter of an hour", async () => {
  const before = memoryWatching();
  before.files.writeText("/work/pods/x-0", "");
  before.workdir.broken.note("/work/pods/x-0", "It was in somebody's way", "somebody");
  await run(new QuarantineWatcher(before), before, 6_000);
  const watching = memoryWatching({ files: before.files, clock: before.clock, seed: 2 });
  const { clock } = watching;
  const keeper = new QuarantineWatcher(watching);
  await run(keeper, watching, 60_000);
  assert.equal(notes(watching).length, 1);
  await clock.advance(15 * 60_000);
  await run(keeper, watching, 6_000);
  assert.deepEqual(notes(watching), []);
});

Deno.test("notes are bounded, whatever lies there", async () => {
  const watching = memoryWatching();
  const { files } = watching;
  for (let i = 0; i < MOST_BROKEN_ENTRIES + 200; i++) files.writeText(`/work/requests/junk-${i}`, "");
  assert.equal((await look(watching, new QuarantineWatcher(watching))).length, MOST_BROKEN_ENTRIES);
});

Deno.test("a full disk holds up the notes, and nothing of them is forgotten", async () => {
  const watching = memoryWatching();
  const { files } = watching;
  files.writeText("/work/requests/junk", "");
  await run(new RequestMachinesWatcher(watching, () => {}), watching, 2_000);
  const keeper = new QuarantineWatcher(watching);
  files.failWhere(({ name }) => name === "writeText", new Error("No space left on device (os error 28)"));
  await assert.rejects(async () => await keeper.step(watching.stopping), /No space left/);
  files.before = () => {};
  await run(keeper, watching, 6_000);
  assert.equal(notes(watching).length, 1);
});
