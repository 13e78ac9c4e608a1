import assert from "node:assert/strict";
import { PodDeleter } from "../../../src/watchers/work/pod_deleter.ts";
import { memoryDependencies, ourPod } from "../../support/memory_dependencies.ts";
import { settled } from "../../support/simulated_clock.ts";

/** A host whose clock is wrong by so much, and pods `req-0` to `req-2` that somebody deletes with 10 s of grace. */
function going(localMs = 0) {
  const dependencies = memoryDependencies();
  const { kube, clock } = dependencies;
  const deletionAt = clock.now() / 1000 + 10;
  clock.setNow(clock.now() + localMs);
  for (const name of ["req-0", "req-1", "req-2"]) kube.put(ourPod(name));
  const podDeleter = new PodDeleter(dependencies, { name: "test", wake: () => {} });
  const want = async () => {
    for (const name of kube.pods.keys()) podDeleter.want(name, { uid: `uid-${name}`, deletionAt });
    podDeleter.start();
    await settled();
  };
  return { dependencies, want };
}

for (const localMs of [-600_000, 0, 600_000]) {
  Deno.test(`a pod that is going is asked for again 30 s late by the cluster's clock; ours is ${localMs} ms ahead`, async () => {
    const { dependencies: { kube, clock }, want } = going(localMs);
    for (let s = 0; s < 40; s++) {
      await want();
      await clock.advance(1_000);
    }
    assert.deepEqual(kube.calls, []);
    await want();
    assert.deepEqual(kube.named("deletePod"), ["req-0", "req-1", "req-2"]);
  });
}

Deno.test("while the cluster's time is not known, one pod that is going is asked for, so as to learn it", async () => {
  const { dependencies: { kube }, want } = going();
  kube.aheadMs = undefined;
  await want();
  await want();
  assert.deepEqual(kube.named("deletePod"), ["req-0"]);
  kube.aheadMs = 0;
  await want();
  assert.deepEqual(kube.named("deletePod"), ["req-0"]);
});
