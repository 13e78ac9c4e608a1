import assert from "node:assert/strict";
import type { Pod } from "../../../src/kube/types.ts";
import { Fixture } from "../fixture.ts";

/** The events of a pod whose node is deleted: type, phase, last reason, grace. */
async function endsOnDeletedNode(prepare: (fixture: Fixture) => void): Promise<unknown[]> {
  using fixture = new Fixture({ nodes: { count: 1 } });
  await fixture.create("p", { labels: { "hostfactory.test/behaviour": "hangs-on-delete" } });
  await fixture.allRunning(1);
  prepare(fixture);
  const watch = await fixture.watch(`resourceVersion=${fixture.cluster.revision}`);
  fixture.cluster.removeNode("node-0000");
  await watch.said();
  return watch.events.map(({ type, object }) => {
    const { metadata, status } = object as Pod;
    return [type, status?.phase, status?.conditions?.at(-1)?.reason, metadata.deletionGracePeriodSeconds];
  });
}

Deno.test("a pod whose node is deleted fails, and is deleted without grace", async () => {
  assert.deepEqual(await endsOnDeletedNode(() => {}), [
    ["MODIFIED", "Failed", "DeletionByPodGC", undefined],
    ["MODIFIED", "Failed", "DeletionByPodGC", 0],
    ["DELETED", "Failed", "DeletionByPodGC", 0],
  ]);
});

Deno.test("a terminating pod whose node is deleted fails, and loses its grace", async () => {
  assert.deepEqual(await endsOnDeletedNode(({ cluster }) => cluster.deletePod("p", { gracePeriodSeconds: 300 })), [
    ["MODIFIED", "Failed", "DeletionByPodGC", 300],
    ["MODIFIED", "Failed", "DeletionByPodGC", 0],
    ["DELETED", "Failed", "DeletionByPodGC", 0],
  ]);
});

Deno.test("a completed pod whose node is deleted keeps its phase", async () => {
  assert.deepEqual(await endsOnDeletedNode(({ cluster }) => cluster.endPod("p", { exitCode: 0 })), [
    ["MODIFIED", "Succeeded", "PodCompleted", 0],
    ["DELETED", "Succeeded", "PodCompleted", 0],
  ]);
});
