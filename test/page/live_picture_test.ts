import assert from "node:assert/strict";
import type { Picture } from "../../src/admin/picture.ts";
import type { PicturedMachine } from "../../src/admin/picture_of_machine.ts";
import { systemClock } from "../../src/clock.ts";
import { LivePicture } from "../../src/page/live_picture.ts";
import type { PageMessage, Sections } from "../../src/page/messages.ts";

const machine = (name: string, more: Partial<PicturedMachine> = {}) =>
  ({
    name,
    requestId: "one",
    templateId: "T",
    state: "running",
    node: "",
    zone: "",
    message: "",
    address: "",
    ...more,
  }) as PicturedMachine;

/** A picture that a test changes, and what a reader hears of it. No wait is longer than a few milliseconds. */
function live() {
  const now = { machines: [machine("one-0"), machine("one-1")], backlog: 0, taken: [] as string[] };
  const take = (by: string) => ({
    take: () => {
      now.taken.push(by);
      return Promise.resolve({ machines: now.machines, at: now.backlog } as Picture);
    },
  });
  const clock = {
    ...systemClock,
    sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms === Infinity ? ms : Math.min(ms, 4), signal),
  };
  const sections = ({ at }: Picture) => Promise.resolve({ api: { backlog: at }, events: [] } as unknown as Sections);
  const picture = new LivePicture({ taker: take("whole"), first: take("brief"), sections, clock });
  const stop = new AbortController();
  const running = picture.run(stop.signal);
  const follow = () => {
    const reader = picture.readers.open()!.getReader();
    return async (): Promise<PageMessage> => {
      while (true) {
        const { value, done } = await reader.read();
        if (done) throw new Error("The stream has ended");
        const message = JSON.parse(new TextDecoder().decode(value).replace(/^data: /, ""));
        if (message.kind !== "beat") return message;
      }
    };
  };
  const end = async () => {
    stop.abort();
    await running;
  };
  return { now, follow, end };
}

Deno.test("nothing is read before somebody looks; then all is told, first in brief, and from there what changes", async () => {
  const { now, follow, end } = live();
  await systemClock.sleep(20);
  assert.deepEqual(now.taken, []);
  const next = follow();
  const first = await next();
  assert.equal(first.kind, "picture");
  assert.deepEqual(first.kind === "picture" && first.machines.map(([name]) => name), ["one-0", "one-1"]);
  assert.equal(now.taken[0], "brief");
  now.machines = [machine("one-0"), machine("one-1", { state: "failed", message: "It broke" }), machine("one-2")];
  const change = await next();
  assert.equal(change.kind, "change");
  assert.deepEqual(change.kind === "change" && change.machines?.map(([name, , , state]) => [name, state]), [
    ["one-1", "failed"],
    ["one-2", "running"],
  ]);
  assert.equal("api" in change, false, "what has not changed is not told");
  assert.equal(now.taken.at(-1), "whole");
  await end();
});

Deno.test("machines that are gone from the picture are told, and sections that changed", async () => {
  const { now, follow, end } = live();
  const next = follow();
  await next();
  now.machines = [machine("one-0")];
  now.backlog = 7;
  const change = await next();
  assert.deepEqual(change.kind === "change" && [change.gone, change.machines, change.api], [["one-1"], [], {
    backlog: 7,
  }]);
  const second = await follow()();
  assert.deepEqual(second.kind === "picture" && second.machines.map(([name]) => name), ["one-0"]);
  await end();
});

Deno.test("it ends with every stream, even while nobody looks", async () => {
  const idle = live();
  await idle.end();
  const busy = live();
  const next = busy.follow();
  await next();
  await busy.end();
  await assert.rejects(next(), /has ended/);
});
