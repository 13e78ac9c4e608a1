import assert from "node:assert/strict";
import { epochSeconds, latestSeconds, systemClock } from "../src/clock.ts";

Deno.test("seconds since the epoch are whole and never ahead", () => {
  assert.equal(epochSeconds(0), 0);
  assert.equal(epochSeconds(1_999), 1);
  assert.equal(epochSeconds(1_795_209_813_999), 1_795_209_813);
});

Deno.test("a sleep takes its time, and none where there is none to take", async () => {
  const startedMs = systemClock.monotonic();
  await systemClock.sleep(-5);
  await systemClock.sleep(5);
  assert.ok(systemClock.monotonic() - startedMs >= 4);
});

Deno.test("a sleep of no time lets everything have its turn that is due", async () => {
  let isDue = false;
  setTimeout(() => isDue = true, 0);
  const startedMs = systemClock.monotonic();
  while (!isDue && systemClock.monotonic() < startedMs + 5_000) await systemClock.sleep(0);
  assert.ok(isDue);
});

Deno.test("a sleep that is too long for a timer does not end at once", async () => {
  const stop = new AbortController();
  const sleep = systemClock.sleep(2 ** 40, stop.signal).then(() => "woke", () => "aborted");
  await systemClock.sleep(5);
  stop.abort();
  assert.equal(await sleep, "aborted");
});

Deno.test("an abort ends a sleep with the signal's reason, before it and during it", async () => {
  const reason = new Error("enough");
  await assert.rejects(systemClock.sleep(60_000, AbortSignal.abort(reason)), reason);
  const stop = new AbortController();
  const sleep = systemClock.sleep(60_000, stop.signal);
  stop.abort(reason);
  await assert.rejects(sleep, reason);
});

Deno.test("the latest of some times is told, and what is no time does not count", () => {
  assert.equal(latestSeconds(["1970-01-01T00:00:07Z", null, "1970-01-01T00:00:09Z", "soon", undefined]), 9);
  assert.equal(latestSeconds([undefined, "soon"]), undefined);
});
