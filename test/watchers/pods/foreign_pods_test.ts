import assert from "node:assert/strict";
import type { Pod } from "../../../src/kube/types.ts";
import { PodLabel } from "../../../src/templates/podspec.ts";
import { ForeignPods } from "../../../src/watchers/pods/foreign_pods.ts";
import { PodsWatcher } from "../../../src/watchers/pods/watcher.ts";
import { readSyncStatus } from "../../../src/workdir/index/sync_status.ts";
import { memoryDependencies, ourPod } from "../../support/memory_dependencies.ts";

const { instance, formerInstances, identity } = memoryDependencies();
const owner = { instance, formerInstances, identity, isSoleOwner: false };
const labelled = (name: string, labels: Record<string, string>): Pod =>
  ourPod(name, {}, { labels: { ...ourPod(name).metadata.labels, ...labels } });
const foreign = labelled("theirs-0", { [PodLabel.workdir]: "anotherone00" });

Deno.test("a pod of our instance that another work directory has made is foreign, unless the lease says that it is ours", () => {
  for (
    const [pod, isSoleOwner, areThere] of [
      [foreign, false, true],
      [foreign, true, false],
      [ourPod("ours-0"), false, false],
      [labelled("other-0", { [PodLabel.instance]: "another" }), false, false],
      [labelled("else-0", { [PodLabel.workdir]: "anotherone00", [PodLabel.request]: "x" }), false, false],
    ] as const
  ) {
    const pods = new ForeignPods({ ...owner, isSoleOwner });
    pods.saw(pod);
    assert.equal(pods.areThere, areThere, `${pod.metadata.name}, ${isSoleOwner}`);
  }
});

Deno.test("foreign pods are there until a whole list names none", () => {
  const pods = new ForeignPods(owner);
  pods.begin();
  pods.saw(foreign);
  assert.ok(pods.areThere, "at once");
  pods.complete();
  pods.begin();
  assert.ok(pods.areThere, "the list may break off");
  pods.complete();
  assert.ok(!pods.areThere);
});

Deno.test("the view says that there are foreign pods, whether a list or the watch showed them", async () => {
  const dependencies = { ...memoryDependencies(), isSoleOwner: false };
  const watcher = new PodsWatcher(dependencies, { wake: () => {}, changed: () => {} });
  const listed = async (...pods: Pod[]) => {
    watcher.begin();
    watcher.page(pods);
    watcher.heard();
    watcher.complete();
    await watcher.step(dependencies.stopping);
    return readSyncStatus(dependencies.workdir, "pods")?.hasForeign;
  };
  assert.equal(await listed(foreign), true);
  assert.equal(await listed(), undefined);
  watcher.event("ADDED", foreign);
  await watcher.step(dependencies.stopping);
  assert.equal(readSyncStatus(dependencies.workdir, "pods")?.hasForeign, true);
});
