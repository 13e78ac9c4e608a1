import assert from "node:assert/strict";
import { seededRandom } from "../../src/random.ts";
import { LoopRunner } from "../../src/serve/loop_runner.ts";
import type { Outcome } from "../../src/watchers/loop.ts";
import { settled, SimulatedClock } from "../support/simulated_clock.ts";

/** Runs a loop whose n-th step (from 0) is what `step` says; `at` is when each began, in milliseconds from the start. */
function start(step: (n: number, runner: LoopRunner, clock: SimulatedClock) => Outcome | Promise<Outcome>) {
  const clock = new SimulatedClock();
  const startMs = clock.monotonic();
  const runner = new LoopRunner({ clock, random: seededRandom(1), periodMs: 1_000 });
  const stop = new AbortController();
  let listeners = 0;
  const { signal } = stop;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
  const at: number[] = [];
  const ended = runner.run({
    name: "loop",
    step: async () => {
      at.push(clock.monotonic() - startMs);
      return await step(at.length - 1, runner, clock);
    },
  }, signal);
  ended.catch(() => {});
  return { clock, runner, stop: () => stop.abort(), at, ended, listeners: () => listeners };
}

const done: Outcome = { kind: "done" };

Deno.test("a loop with nothing to do takes a step each period, until it is stopped", async () => {
  const { clock, stop, at, ended } = start(() => done);
  await clock.advance(3_500);
  assert.deepEqual(at, [0, 1_000, 2_000, 3_000]);
  stop();
  await ended;
  await clock.advance(5_000);
  assert.equal(at.length, 4);
});

Deno.test("a wake makes a sleeping loop take a step at once", async () => {
  const { clock, runner, stop, at, ended } = start(() => done);
  await clock.advance(400);
  runner.wake();
  await settled();
  await clock.advance(0);
  assert.deepEqual(at, [0, 400]);
  stop();
  await ended;
});

Deno.test("a wake during a step makes the loop run again, once for however many", async () => {
  const { clock, stop, at, ended } = start((n, runner) => {
    if (n === 0) { for (let i = 0; i < 5; i++) runner.wake(); }
    return done;
  });
  await clock.advance(900);
  assert.deepEqual(at, [0, 0]);
  stop();
  await ended;
});

Deno.test("a loop that asks for a time gets it, where that is before its period is over", async () => {
  const { clock, stop, at, ended } = start((n, _, clock) => ({
    kind: "again",
    atMs: clock.monotonic() + [200, 5_000, -50, 300][n % 4]!,
  }));
  await clock.advance(1_600);
  assert.deepEqual(at, [0, 200, 1_200, 1_200, 1_500]);
  stop();
  await ended;
});

for (
  const [what, fail] of [
    ["throws", () => {
      throw new Error("no");
    }],
    ["says that it failed", () => ({ kind: "failed", error: new Error("no") } as const)],
  ] as const
) {
  Deno.test(`a loop whose step ${what} backs off, longer each time, and never ends of it`, async () => {
    const { clock, stop, at, ended } = start((n) => n < 6 ? fail() : done);
    await clock.advance(30_000);
    const gaps = at.slice(1, 7).map((ms, i) => ms - at[i]!);
    assert.ok(gaps[0]! >= 125 && gaps[0]! <= 250, `${gaps}`);
    assert.ok(gaps[5]! > gaps[0]! * 8, `${gaps}`);
    assert.ok(at.length > 10);
    stop();
    await ended;
  });
}

for (const [stepMs, againMs] of [[20, 80], [100, 200], [5_000, 5_100]] as const) {
  Deno.test(`after a step of ${stepMs} ms a loop rests for ${againMs - stepMs}, so that others get their turn`, async () => {
    const { clock, stop, at, ended } = start(async (n, _, clock) => {
      if (n > 0) return done;
      await clock.sleep(stepMs);
      return { kind: "again", atMs: clock.monotonic() };
    });
    await clock.advance(againMs - 1);
    assert.deepEqual(at, [0]);
    await clock.advance(1);
    assert.equal(at[1], againMs);
    stop();
    await clock.advance(1_000);
    await ended;
  });
}

Deno.test("a loop that is stopped before its start takes no step", async () => {
  const clock = new SimulatedClock();
  const runner = new LoopRunner({ clock, random: seededRandom(1), periodMs: 1_000 });
  let steps = 0;
  await runner.run({ name: "loop", step: () => Promise.resolve((steps++, done)) }, AbortSignal.abort());
  assert.equal(steps, 0);
});

Deno.test("a loop that wakes listens to its signal no more than one that sleeps for the first time", async () => {
  const { clock, runner, stop, ended, listeners } = start(() => done);
  await clock.advance(400);
  const before = listeners();
  for (let i = 0; i < 50; i++) {
    runner.wake();
    await clock.advance(100);
  }
  assert.equal(listeners(), before);
  stop();
  await ended;
  assert.equal(listeners(), 0);
});

Deno.test("an observer is told of each step, how it ended and how long it took", async () => {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const observer = {
    began: (loop: string) => told.push(`${loop} began`),
    ended: (loop: string, { outcome, ms }: { outcome: string; ms: number }) => told.push(`${loop} ${outcome} ${ms}`),
  };
  const runner = new LoopRunner({ clock, random: seededRandom(1), periodMs: Infinity, observer });
  const stop = new AbortController();
  const outcomes: Outcome[] = [{ kind: "failed", error: new Error("x") }, done];
  const step = async () => {
    await clock.sleep(7);
    return outcomes.shift() ?? done;
  };
  const ended = runner.run({ name: "loop", step }, stop.signal);
  await clock.advance(10_000);
  stop.abort();
  await ended;
  assert.deepEqual(told, ["loop began", "loop failed 7", "loop began", "loop done 7"]);
});
