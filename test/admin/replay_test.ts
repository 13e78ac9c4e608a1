import assert from "node:assert/strict";
import { recordedCalls, replayCalls, type ReplayedCall } from "../../src/admin/replay.ts";
import { eventually } from "../support/deadline.ts";
import { memoryProvider } from "../support/memory_provider.ts";

/** The spool holds what a legacy plug-in recorded of two calls, the later one first. */
function recorded() {
  const provider = memoryProvider();
  const { files, workdir } = provider;
  const event = (category: string, id: string, timestamp: number, input: object) => ({
    category,
    id,
    timestamp,
    input: JSON.stringify(input),
  });
  files.writeText(
    `${workdir.layout.events}/batch`,
    JSON.stringify([
      event("return", "ret", 1_050, { machines: [] }),
      event("request", "req", 1_000, { template: { templateId: "T" } }),
      { category: "pod", id: "req-0", timestamp: 1_001, input: "none of a verb" },
    ]),
  );
  return provider;
}

Deno.test("the calls of verbs are found among the events, in order of time", async () => {
  const calls = await recordedCalls(recorded(), {});
  assert.deepEqual(calls.map(({ verb, id, at }) => [verb, id, at]), [
    ["request-machines", "req", 1_000],
    ["request-return-machines", "ret", 1_050],
  ]);
});

Deno.test("where no input is recorded, it is said where it may be", async () => {
  await assert.rejects(
    recordedCalls(memoryProvider(), {}),
    /Cannot replay anything: '\/work\/events\.db' contains no recorded input/,
  );
});

Deno.test("each call gets its id and its input, with the pauses of then; what fails ends nothing", async () => {
  const provider = recorded();
  const { files, clock } = provider;
  const told: ReplayedCall[] = [];
  const replayed = replayCalls(await recordedCalls(provider, {}), {
    self: ["/bin/sh", "-c", 'echo "$@"; [ "$3" = request-machines ]', "verb"],
    arguments: [],
    file: "/work/input.json",
    isWaited: true,
    files,
    clock,
    signal: new AbortController().signal,
  }, (call) => told.push(call));
  await eventually("the first call", () => told.length === 1);
  await clock.advance(49_000);
  assert.equal(told.length, 1, "the next call is not made before its time");
  await clock.advance(1_000);
  await replayed;
  assert.deepEqual(told.map(({ code, answer }) => [code, answer]), [
    [0, "--request-id req request-machines -f /work/input.json"],
    [1, "--request-id ret request-return-machines -f /work/input.json"],
  ]);
  assert.throws(() => files.info("/work/input.json"), "inputs are removed");
});

Deno.test("what is called again is not recorded again", async () => {
  const provider = recorded();
  const told: ReplayedCall[] = [];
  await replayCalls(await recordedCalls(provider, {}), {
    ...provider,
    self: ["/bin/sh", "-c", 'echo "recorded: $HF_K8S_RECORD_IO"'],
    arguments: [],
    file: "/work/input.json",
    isWaited: false,
    signal: new AbortController().signal,
  }, (call) => told.push(call));
  assert.deepEqual(told.map(({ answer }) => answer), ["recorded: off", "recorded: off"]);
});
