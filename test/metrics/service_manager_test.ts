import assert from "node:assert/strict";
import { Health } from "../../src/metrics/health.ts";
import { tellServiceManager, wishesOf } from "../../src/metrics/service_manager.ts";
import { settled, SimulatedClock } from "../support/simulated_clock.ts";

Deno.test("the environment says whether there is a service manager, and how often it wants to hear", () => {
  assert.equal(wishesOf({}, 7), undefined);
  assert.deepEqual(wishesOf({ NOTIFY_SOCKET: "@s" }, 7), { watchdogMs: Infinity });
  assert.deepEqual(wishesOf({ NOTIFY_SOCKET: "@s", WATCHDOG_USEC: "60000000" }, 7), { watchdogMs: 60_000 });
  assert.deepEqual(wishesOf({ NOTIFY_SOCKET: "@s", WATCHDOG_USEC: "6", WATCHDOG_PID: "8" }, 7), {
    watchdogMs: Infinity,
  });
});

/** Tells a service manager. @returns what it hears, and how to go on */
function tell({ watchdogMs, send }: { watchdogMs: number; send?: () => Promise<void> }) {
  const clock = new SimulatedClock();
  const health = new Health(clock);
  const heard: string[][] = [];
  const stop = new AbortController();
  const note = (assignments: string[]) => Promise.resolve(void heard.push(assignments));
  const told = tellServiceManager({ watchdogMs }, { health, clock, send: send ?? note, stopping: stop.signal });
  return { clock, health, heard, stop: () => (stop.abort(), told) };
}

Deno.test("it is told once the work has begun, as often as it wants while we live, and at the end", async () => {
  const { clock, health, heard, stop } = tell({ watchdogMs: 4_000 });
  await clock.advance(1_000);
  assert.deepEqual(heard, []);
  let isOwner = false;
  health.judgeBy({ tenure: () => ({ isOwner, standby: "served\nfrom b" }), doubt: () => undefined });
  await clock.advance(200);
  assert.deepEqual(heard.splice(0), [["READY=1", "STATUS=Standby: served from b"]]);
  await clock.advance(2_000);
  assert.deepEqual(heard.splice(0), [["WATCHDOG=1"]]);
  isOwner = true;
  await clock.advance(2_000);
  assert.deepEqual(heard.splice(0), [["WATCHDOG=1", "STATUS=Owner, and the view of the cluster is fresh"]]);
  health.stepBegan("pods");
  await clock.advance(700_000);
  heard.length = 0;
  await clock.advance(60_000);
  assert.deepEqual(heard, [], "a loop that is stuck is no life");
  await stop();
  assert.deepEqual(heard, [["STOPPING=1", "STATUS=Stopping"]]);
});

Deno.test("without a watchdog it is told what changes", async () => {
  const { clock, health, heard, stop } = tell({ watchdogMs: Infinity });
  health.judgeBy({ tenure: () => ({ isOwner: true }), doubt: () => undefined });
  await clock.advance(60_000);
  assert.equal(heard.length, 1);
  await stop();
  assert.equal(heard.length, 2);
});

Deno.test("where it cannot be told, that is said once and no more is tried", async () => {
  let tries = 0;
  const send = () => Promise.reject(new Error(`no such program ${++tries}`));
  const { clock, health, stop } = tell({ watchdogMs: 1_000, send });
  health.judgeBy({ tenure: () => ({ isOwner: true }), doubt: () => undefined });
  await clock.advance(10_000);
  await settled();
  await stop();
  assert.equal(tries, 1);
});
