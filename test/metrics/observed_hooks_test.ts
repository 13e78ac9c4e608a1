import assert from "node:assert/strict";
import { HostFactoryError } from "../../src/errors.ts";
import type { Extension } from "../../src/extensions/extension.ts";
import { type HookAnswer, HookUnavailable } from "../../src/extensions/hook_client.ts";
import { type EndedHookCall, observedHooks } from "../../src/metrics/observed_hooks.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

const extension = { name: "quota" } as Extension;

/** How a call is told of that ends as `end` does, after a second. */
async function told(
  end: () => HookAnswer,
  signal = new AbortController().signal,
): Promise<EndedHookCall | undefined> {
  const clock = new SimulatedClock();
  const calls: EndedHookCall[] = [];
  const hooks = observedHooks({
    leftAlone: ["quota"],
    async call() {
      await clock.sleep(1_000);
      return end();
    },
  }, { clock, ended: (call) => calls.push(call) });
  assert.deepEqual(hooks.leftAlone, ["quota"]);
  const under = hooks.call(extension, { kind: "notify", document: {}, signal }).then(() => {}, () => {});
  await clock.advance(1_000);
  await under;
  return calls[0];
}

function answers(status: number): () => HookAnswer {
  return () => ({ status, text: "", retryAfterMs: undefined });
}

function fails(error: Error): () => never {
  return () => {
    throw error;
  };
}

Deno.test("each call of a hook is told of with how it ended and how long it took", async () => {
  assert.deepEqual(await told(answers(200)), { extension: "quota", hook: "notify", outcome: "ok", seconds: 1 });
  assert.equal((await told(answers(304)))?.outcome, "ok");
  assert.equal((await told(answers(409)))?.outcome, "refused");
  assert.equal((await told(answers(503)))?.outcome, "later");
  assert.equal((await told(fails(new HookUnavailable("no answer"))))?.outcome, "unavailable");
  assert.equal((await told(fails(new HostFactoryError("no token"))))?.outcome, "misconfigured");
  assert.equal((await told(fails(new Error("stop")), AbortSignal.abort()))?.outcome, "aborted");
});
