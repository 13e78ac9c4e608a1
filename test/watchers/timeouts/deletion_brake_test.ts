import assert from "node:assert/strict";
import { DeletionBrake } from "../../../src/watchers/timeouts/deletion_brake.ts";
import { readDeletions } from "../../../src/workdir/deletions.ts";
import { type MemoryDependencies, memoryDependencies } from "../../support/memory_dependencies.ts";

const uids = (count: number) => new Set(Array.from({ length: count }, (_, i) => `u${i}`));

/** How many of these may go at once. */
function gone(brake: DeletionBrake, pods: ReadonlySet<string>): number {
  brake.begin(pods);
  return [...pods].filter((uid) => brake.ask(uid) === "go").length;
}

for (const [pods, few] of [[5, 5], [10, 10], [60, 10], [100, 10], [110, 11], [10_000, 1_000]] as const) {
  Deno.test(`of ${pods} pods ${few} may be deleted within a minute`, () => {
    assert.equal(gone(new DeletionBrake(memoryDependencies()), uids(pods)), few);
  });
}

Deno.test("what is held is looked at again a minute later, and goes only if that look says the same", async () => {
  const dependencies = memoryDependencies();
  const brake = new DeletionBrake(dependencies);
  const pods = uids(12);
  assert.equal(gone(brake, pods), 10);
  assert.equal(brake.held, 2);
  await dependencies.clock.advance(59_000);
  brake.begin(pods);
  assert.equal(brake.ask("u10"), "held");
  await dependencies.clock.advance(1_000);
  brake.begin(pods);
  assert.equal(brake.ask("u10"), "look");
  brake.release("u10");
  assert.equal(brake.ask("u10"), "go");
  brake.forget("u11");
  assert.equal(brake.held, 0);
});

Deno.test("a pod that was let go stays so until it is gone, and counts once", () => {
  const brake = new DeletionBrake(memoryDependencies());
  const pods = uids(10);
  for (let look = 0; look < 5; look++) assert.equal(gone(brake, pods), 10);
});

Deno.test("after a minute as many may be deleted again", async () => {
  const dependencies = memoryDependencies();
  const brake = new DeletionBrake(dependencies);
  assert.equal(gone(brake, uids(10)), 10);
  await dependencies.clock.advance(60_000);
  assert.equal(gone(brake, new Set(["x", "y"])), 2);
  assert.equal(brake.held, 0);
});

Deno.test("a process that is started again and again does not begin to count each time", async () => {
  const dependencies = memoryDependencies();
  const left = uids(100);
  let deleted = 0;
  for (let start = 0; start < 6; start++) {
    const brake = new DeletionBrake(dependencies);
    brake.begin(left);
    for (const uid of left) if (brake.ask(uid) === "go") deleted++, left.delete(uid);
    brake.note();
    await dependencies.clock.advance(5_000);
  }
  assert.equal(deleted, 10);
});

Deno.test("how many are held is noted, and that none is once it was found noted by another process", () => {
  const dependencies = memoryDependencies();
  const held = () => readDeletions(dependencies.workdir)?.held?.count;
  const brake = new DeletionBrake(dependencies);
  gone(brake, uids(13));
  brake.note();
  assert.equal(held(), 3);
  brake.release("u12");
  brake.note();
  assert.equal(held(), 2);
  const next = new DeletionBrake(dependencies);
  next.begin(new Set());
  next.note();
  assert.equal(held(), undefined);
});

const notes: [what: string, note: (dependencies: MemoryDependencies) => string][] = [
  ["long ago", ({ clock }) => JSON.stringify({ at: clock.now() / 1000 - 60, count: 50 })],
  ["in a future that never was", ({ clock }) => JSON.stringify({ at: clock.now() / 1000 + 60, count: 50 })],
  ["and torn", () => "{"],
];
for (const [what, note] of notes) {
  Deno.test(`a count that was noted ${what} counts for nothing`, () => {
    const dependencies = memoryDependencies();
    dependencies.files.writeText("/work/views/deletions.json", note(dependencies));
    assert.equal(gone(new DeletionBrake(dependencies), uids(20)), 10);
  });
}
