import assert from "node:assert/strict";
import { HostFactoryError } from "../../src/errors.ts";
import { Fence, isNotOwner } from "../../src/serve/fence.ts";
import { seededRandom } from "../../src/random.ts";
import { Workdir } from "../../src/workdir/store/workdir.ts";
import { MemoryFiles } from "../support/memory_files.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

Deno.test("a process that was paused past its term changes nothing when it wakes", () => {
  const clock = new SimulatedClock();
  const fence = new Fence(clock);
  const files = new MemoryFiles();
  files.makeDirectory("/work");
  const workdir = new Workdir("/work", { files, random: seededRandom(1) }).fenced(fence.check);
  assert.throws(fence.check, isNotOwner, "it has no term yet");
  fence.openUntil(clock.monotonic() + 10_000);
  fence.check();
  workdir.write("/work/before", "x");
  clock.pass(10_000);
  assert.throws(fence.check, isNotOwner);
  assert.throws(() => workdir.write("/work/after", "x"), isNotOwner);
  assert.deepEqual(files.list("/work").map(({ name }) => name), ["before"]);
});

Deno.test("who tells in words of its own that a change was refused still tells that it was for want of a term", () => {
  const fence = new Fence(new SimulatedClock());
  const refused = (() => {
    try {
      fence.check();
    } catch (error) {
      return error;
    }
  })();
  assert.ok(isNotOwner(new HostFactoryError("Cannot note it", { cause: refused })));
  assert.ok(!isNotOwner(new HostFactoryError("Cannot note it", { cause: new Error("disk full") })));
  assert.ok(!isNotOwner(new Error("disk full")));
});
