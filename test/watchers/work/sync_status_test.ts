import assert from "node:assert/strict";
import { KubeError } from "../../../src/kube/errors.ts";
import { tellGathered } from "../../../src/log.ts";
import { SyncStatusKeeper } from "../../../src/watchers/work/sync_status.ts";
import { captureLog } from "../../support/captured_log.ts";
import { memoryDependencies } from "../../support/memory_dependencies.ts";

Deno.test("that the cluster is lost is said once for all views, and that it is followed again, with for how long", async () => {
  const dependencies = memoryDependencies();
  const { clock } = dependencies;
  using log = captureLog({ clock });
  const views = ["pods", "nodes"].map((name) => new SyncStatusKeeper(dependencies, name));
  for (const view of views) {
    assert.equal(view.heardSecondsAgo, undefined);
    view.begin();
    view.heard();
    view.complete();
  }
  await clock.advance(10_000);
  for (let second = 0; second < 30; second++) {
    for (const view of views) view.failed(new KubeError("unavailable", "gone fishing"));
    await clock.advance(1_000);
    tellGathered();
  }
  assert.equal(views[0]?.heardSecondsAgo, 40);
  assert.deepEqual(log.lines.splice(0), [
    'warning cluster: The cluster cannot be followed now views=2 error="gone fishing" first=pods',
  ]);
  views[0]?.heard();
  views[1]?.begin();
  views[1]?.heard();
  await clock.advance(500);
  views[1]?.complete();
  await clock.advance(1_000);
  tellGathered();
  assert.deepEqual(log.lines, ["info    cluster: The cluster is followed again views=2 awaySeconds=30 first=pods"]);
  assert.equal(views[0]?.heardSecondsAgo, 2);
});

Deno.test("it was away until it answered again, though it may say nothing for a minute more", async () => {
  const dependencies = memoryDependencies();
  const { clock } = dependencies;
  using log = captureLog({ clock });
  const view = new SyncStatusKeeper(dependencies, "pods");
  view.heard();
  await clock.advance(10_000);
  view.failed(new KubeError("unavailable", "gone fishing"));
  view.answers();
  view.failed(new KubeError("unavailable", "gone fishing"));
  await clock.advance(11_000);
  view.answers();
  await clock.advance(50_000);
  view.heard();
  tellGathered({ isEnd: true });
  assert.equal(log.lines.at(-1), "info    cluster: The cluster is followed again views=1 awaySeconds=11 first=pods");
});
