import assert from "node:assert/strict";
import type { Pod } from "../../src/kube/types.ts";
import { TimeoutsWatcher } from "../../src/watchers/timeouts/watcher.ts";
import { podFileText } from "../../src/workdir/pod_file.ts";
import { PodsWatcher } from "../../src/watchers/pods/watcher.ts";
import { RequestReturnMachinesWatcher } from "../../src/watchers/returns/watcher.ts";
import { readState, readTombstone, writeState } from "../../src/workdir/machines.ts";
import { settleMachine } from "../../src/workdir/requests.ts";
import { readReturn } from "../../src/workdir/returns.ts";
import {
  ask,
  giveBack,
  type MemoryDependencies,
  memoryDependencies,
  ourPod,
  run,
} from "../support/memory_dependencies.ts";

/** Every loop that follows machines whose pods exist, told of all that the cluster holds. */
async function follow(dependencies: MemoryDependencies): Promise<void> {
  const pods = new PodsWatcher(dependencies, { wake: () => {}, changed: () => {} });
  const loops = [
    new RequestReturnMachinesWatcher(dependencies, () => {}),
    new TimeoutsWatcher(dependencies, { podTimeoutSeconds: 300, imagePullGraceSeconds: 60, wake: () => {} }),
    pods,
  ];
  for (let round = 0; round < 3; round++) {
    pods.begin();
    pods.page(Array.from(dependencies.kube.pods.values(), (pod) => structuredClone(pod)));
    pods.heard();
    pods.complete();
    for (const loop of loops) await run(loop, dependencies, 2_000);
  }
}

/** `req-0` runs, `req-1` runs and was returned, `req-2` is pending too long, and `req-3` vanished while no one watched. */
async function furnished(): Promise<MemoryDependencies> {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 4);
  const old = { creationTimestamp: "2026-11-19T23:00:00Z" };
  const phases = ["Running", "Running", "Pending", "Running"] as const;
  for (const [i, phase] of phases.entries()) {
    const name = `req-${i}`;
    settleMachine(dependencies.workdir, "req", name);
    const stored: Pod = dependencies.kube.put(ourPod(name, { phase }, old));
    dependencies.files.writeText(
      `/work/pods/${name}`,
      podFileText(stored, { seenAt: dependencies.clock.now() / 1000 - 3_600 }),
    );
    writeState(dependencies.workdir, name, phase === "Running" ? "running" : "pending");
  }
  await giveBack(dependencies, "ret", "req-1");
  dependencies.kube.pods.delete("req-3");
  for (const path of ["pods", "pods-status", "machines", "requests/req"]) {
    await dependencies.files.sync(`/work/${path}`);
  }
  return dependencies;
}

for (const leaves of ["everything", "synced", "names"] as const) {
  Deno.test(`killed at any operation, every machine comes to its right end after a restart (${leaves})`, async () => {
    for (let n = 0;; n++) {
      const dependencies = await furnished();
      const before = dependencies.files.writes.length;
      dependencies.files.killAt(n);
      await follow(dependencies).catch(() => {}); // What is left of its loops is dead, too.
      const isOver = dependencies.files.writes.length - before <= n;
      const { clock, kube } = dependencies;
      const after = memoryDependencies({ files: dependencies.files.crash(leaves), clock, kube, seed: 2 });
      await follow(after);
      await clock.advance(300_000); // How long a pod was seen for may have been lost, too.
      await follow(after);
      const states = [0, 1, 2, 3].map((i) => readState(after.workdir, `req-${i}`));
      assert.deepEqual(states, ["running", "deleted", "deleted", "deleted"], `killed at ${n}`);
      assert.deepEqual([...kube.pods.keys()], ["req-0"], `killed at ${n}`);
      // The note of an end that was only seen is not synced: what the return request says stands in for it.
      const noted = readTombstone(after.workdir, "req-1");
      if (noted || leaves === "everything") assert.equal(noted?.returned, true, `killed at ${n}`);
      assert.match(
        readTombstone(after.workdir, "req-2")?.message ?? "",
        /^Not running after 300 s/,
        `killed at ${n}`,
      );
      assert.equal(readReturn(after.workdir, "ret")?.processed, true, `killed at ${n}`);
      if (isOver) break;
    }
  });
}
