import assert from "node:assert/strict";
import { EventSpool } from "../../../src/watchers/gc/event_spool.ts";
import { Retries } from "../../../src/watchers/work/retries.ts";
import { notPermitted } from "../../support/memory_files.ts";
import { memoryDependencies } from "../../support/memory_dependencies.ts";

const HOUR_MS = 3_600_000;

function make(retainMachines = 1_000) {
  const { files, clock, workdir } = memoryDependencies();
  const limits = { retainSeconds: 3_600, retainMachines };
  const broken: string[] = [];
  const retries = {
    attempt(path: string, act: (path: string) => void) {
      try {
        act(path);
        return true;
      } catch {
        broken.push(path);
        return false;
      }
    },
  };
  const spools = new EventSpool(workdir, { limits, retries });
  const run = () => {
    spools.begin();
    while (spools.size > 0) spools.step({ nowMs: clock.now(), monotonicMs: clock.monotonic() });
    return Object.keys(files.tree("/work")).filter((path) => /^(events|kube-events|requests-io)\/./.test(path));
  };
  return { files, clock, broken, run };
}

Deno.test("files that no one picked up are removed once they are old, and nothing else", async () => {
  const { files, clock, run } = make();
  for (let i = 0; i < 250; i++) files.writeText(`/work/events/old-${i}`, "[]");
  files.writeText("/work/kube-events/old", "{}");
  files.makeDirectory("/work/events/directory/below");
  files.writeText("/work/events.db", "");
  files.writeText("/work/backups/old.db", "");
  await clock.advance(HOUR_MS - 1_000);
  files.writeText("/work/events/young", "[]");
  assert.equal(run().length, 253);
  await clock.advance(1_000);
  assert.deepEqual(run(), ["events/directory/below/", "events/young"]);
  assert.ok("events.db" in files.tree("/work") && "backups/old.db" in files.tree("/work"));
});

Deno.test("of too many files in one spool the oldest go", async () => {
  const { files, clock, run } = make(2);
  for (const name of ["a", "b", "c"]) {
    files.writeText(`/work/events/${name}`, "[]");
    files.writeText(`/work/kube-events/${name}`, "[]");
    await clock.advance(1_000);
  }
  assert.deepEqual(run(), ["events/b", "events/c", "kube-events/b", "kube-events/c"]);
});

Deno.test("a clock that leaps forward makes nothing old", async () => {
  const { files, clock, run } = make();
  files.writeText("/work/events/young", "[]");
  run();
  clock.setNow(clock.now() + 10 * 365 * 24 * HOUR_MS);
  assert.deepEqual(run(), ["events/young"]);
  await clock.advance(HOUR_MS);
  assert.deepEqual(run(), []);
});

Deno.test("a spool and a file that are broken hold up no other", async () => {
  const { files, clock, broken, run } = make();
  for (const path of ["events/a", "kube-events/a", "kube-events/b"]) files.writeText(`/work/${path}`, "");
  await clock.advance(HOUR_MS);
  files.failWhere(
    ({ name, paths: [path] }) => (name === "list" && path === "/work/events") || path === "/work/kube-events/a",
    notPermitted(),
  );
  assert.deepEqual(run(), ["events/a", "kube-events/a"]);
  assert.deepEqual(broken, ["/work/events", "/work/kube-events/a"]);
});

Deno.test("a spool that another sees to is left alone, however old its files are", () => {
  const dependencies = memoryDependencies();
  const { files, clock, workdir } = dependencies;
  for (const spool of ["events", "requests-io"]) {
    files.makeDirectory(`/work/${spool}`);
    files.writeText(`/work/${spool}/old`, "");
  }
  const limits = { retainSeconds: 3_600, retainMachines: 1_000, spools: ["/work/requests-io"] };
  const spools = new EventSpool(workdir, { limits, retries: new Retries(dependencies, { failed() {} }) });
  for (const hours of [0, 1, 1]) {
    clock.pass(hours * HOUR_MS);
    spools.begin();
    while (spools.size > 0) spools.step({ nowMs: clock.now(), monotonicMs: clock.monotonic() });
  }
  const left = Object.keys(files.tree("/work")).filter((path) => path.endsWith("/old"));
  assert.deepEqual(left, ["events/old"]);
});
