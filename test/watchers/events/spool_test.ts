import assert from "node:assert/strict";
import { EventSpoolReader } from "../../../src/watchers/events/spool.ts";
import { memoryProvider } from "../../support/memory_provider.ts";

Deno.test("what is no batch may be one that is being written; after a while it is dropped", async () => {
  const { workdir, clock, files } = memoryProvider();
  const spool = new EventSpoolReader({ workdir, clock });
  for (const [name, text] of [["cut", '{"sqlite_ba'], ["empty", ""], ["null", "null"]]) {
    files.writeText(`/work/events/${name}`, text ?? "");
  }
  const read = () => spool.paths().map((path) => spool.read(path)).filter((batch) => batch !== undefined);
  assert.deepEqual(read(), []);
  assert.equal(spool.dropped, 0);
  files.writeText("/work/events/cut", '{"category":"x"}');
  await clock.advance(11_000);
  assert.deepEqual(read(), [{ path: "/work/events/cut", events: [{ category: "x" }] }]);
  assert.equal(spool.dropped, 2);
  assert.deepEqual(spool.paths(), ["/work/events/cut"]);
});

Deno.test("a batch that is gone is none, and one that cannot be read waits", () => {
  const { workdir, clock, files } = memoryProvider();
  const spool = new EventSpoolReader({ workdir, clock });
  files.writeText("/work/events/a", "[]");
  files.deny("/work/events/a");
  assert.equal(spool.read("/work/events/a"), undefined);
  assert.equal(spool.read("/work/events/b"), undefined);
  assert.deepEqual(spool.paths(), ["/work/events/a"]);
  assert.equal(spool.dropped, 0);
});

Deno.test("a spool that is missing is empty", () => {
  const { workdir, clock, files } = memoryProvider();
  files.removeTree("/work/events");
  assert.deepEqual(new EventSpoolReader({ workdir, clock }).paths(), []);
});
