import assert from "node:assert/strict";
import { DiskUsage, type MeasureDisk, systemMeasureDisk } from "../../src/metrics/disk_usage.ts";
import { memoryProvider } from "../support/memory_provider.ts";
import { settled } from "../support/simulated_clock.ts";

const signal = new AbortController().signal;

Deno.test("each part of the work directory is told of, and what is none of them as other", async () => {
  const { workdir, clock, files } = memoryProvider();
  for (const name of ["events.db", "events.db-wal", "events.1795277711000", "notes.txt"]) {
    files.writeText(`/work/${name}`, "x");
  }
  const told = new Map<string, number>();
  const measure: MeasureDisk = (paths) => Promise.resolve(new Map(paths.map((path) => [path, 4_096])));
  const usage = new DiskUsage(workdir, { clock, measure, tell: (part, bytes) => told.set(part, bytes) });
  const outcome = await usage.step(signal);
  await usage.drained();
  assert.deepEqual(outcome, { kind: "again", atMs: clock.monotonic() + 600_000 });
  assert.equal(told.get("databases"), 3 * 4_096);
  assert.equal(told.get("requests"), 4_096);
  assert.ok((told.get("other") ?? 0) >= 4_096);
});

Deno.test("a measurement that takes long keeps no loop waiting, and none begins beside it", async () => {
  const { workdir, clock } = memoryProvider();
  let begun = 0;
  let end = () => {};
  const measure: MeasureDisk = () => {
    begun++;
    return new Promise((resolve) => end = () => resolve(new Map()));
  };
  const usage = new DiskUsage(workdir, { clock, measure, tell() {} });
  await usage.step(signal);
  await usage.step(signal);
  assert.equal(begun, 1);
  end();
  await settled();
  await usage.step(signal);
  assert.equal(begun, 2);
  end();
  await usage.drained();
});

Deno.test("du tells the disk space of each path, and goes on over what has vanished", async () => {
  const root = Deno.makeTempDirSync();
  Deno.mkdirSync(`${root}/a b`);
  Deno.writeTextFileSync(`${root}/a b/file`, "x".repeat(100_000));
  const bytes = await systemMeasureDisk([`${root}/a b`, `${root}/gone`], signal);
  assert.deepEqual([...bytes.keys()], [`${root}/a b`]);
  assert.ok((bytes.get(`${root}/a b`) ?? 0) >= 100_000);
  await assert.rejects(systemMeasureDisk([`${root}/gone`], signal), /du told nothing/);
  Deno.removeSync(root, { recursive: true });
});
