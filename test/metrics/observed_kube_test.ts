import assert from "node:assert/strict";
import { KubeError } from "../../src/kube/errors.ts";
import type { Kube } from "../../src/kube/kube.ts";
import { CALLS } from "../../src/metrics/calls.ts";
import { type EndedCall, observedKube } from "../../src/metrics/observed_kube.ts";
import { FakeKube } from "../support/fake_kube.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

/** A cluster of which these methods do this. */
function observed(methods: Partial<Record<keyof Kube, unknown>>) {
  const clock = new SimulatedClock();
  const calls: EndedCall[] = [];
  const kube = Object.assign(new FakeKube(clock), methods) as Kube;
  return { clock, calls, kube: observedKube(kube, { clock, ended: (call) => calls.push(call) }) };
}

Deno.test("a call is told with how it ended and how long it took", async () => {
  const { clock, calls, kube } = observed({ getPod: () => clock.sleep(250).then(() => ({ metadata: { name: "p" } })) });
  const answer = kube.getPod("p");
  await clock.advance(250);
  assert.equal((await answer).metadata.name, "p");
  assert.deepEqual(calls, [{ call: "getPod", outcome: "ok", seconds: 0.25 }]);
});

Deno.test("what goes wrong is told by kind, an abort as one, and thrown as it was", async () => {
  const error = new KubeError("throttled", "slow down");
  const { calls, kube } = observed({ deletePod: () => Promise.reject(error), getLease: () => Promise.reject("stop") });
  await assert.rejects(kube.deletePod("p", { uid: "u" }), error);
  await assert.rejects(kube.getLease("l"), (thrown) => thrown === "stop");
  assert.deepEqual(calls.map(({ call, outcome }) => `${call} ${outcome}`), ["deletePod throttled", "getLease aborted"]);
});

Deno.test("a watch is told once it ends, also where no one wants the rest", async () => {
  const { calls, kube } = observed({
    async *watchPods() {
      yield await Promise.resolve({ type: "BOOKMARK" });
      throw new KubeError("gone", "too old");
    },
  });
  const options = { timeoutSeconds: 1, idleTimeoutMs: 1 };
  await assert.rejects(async () => {
    for await (const _ of kube.watchPods(options)) assert.deepEqual(calls, []);
  }, /too old/);
  for await (const _ of kube.watchPods(options)) break;
  assert.deepEqual(calls, [{ call: "watchPods", outcome: "gone" }, { call: "watchPods", outcome: "ok" }]);
});

Deno.test("every call that is told apart is one of the cluster's, and all else is left alone", () => {
  const { kube } = observed({});
  for (const call of CALLS) assert.equal(typeof kube[call], "function", call);
  assert.equal(kube.restores(), 0);
});
