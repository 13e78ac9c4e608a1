import assert from "node:assert/strict";
import type { Pod, Status } from "../../../src/kube/types.ts";
import { settled } from "../../support/simulated_clock.ts";
import { Fixture, PODS } from "../fixture.ts";

Deno.test("a watch from a resource version says everything after it, and nothing before", async () => {
  using fixture = new Fixture({ stages: [] });
  await fixture.create("before");
  const { metadata } = await fixture.list();
  await fixture.create("between");
  const watch = await fixture.watch(`resourceVersion=${metadata.resourceVersion}`);
  await fixture.create("after");
  assert.deepEqual(await watch.said(), ["ADDED between Pending", "ADDED after Pending"]);
});

Deno.test("a watch without a resource version begins with what there is", async () => {
  using fixture = new Fixture({ stages: [] });
  await fixture.create("b");
  await fixture.create("a");
  const watch = await fixture.watch("");
  assert.deepEqual(await watch.said(), ["ADDED a Pending", "ADDED b Pending"]);
});

Deno.test("a pod that begins to be selected is ADDED, one that ceases to be is DELETED as it was", async () => {
  using fixture = new Fixture({ stages: [] });
  await fixture.create("p");
  const watch = await fixture.watch(`resourceVersion=${fixture.cluster.revision}&labelSelector=z%3D1`);
  const label = (z: string) => fixture.ask("PATCH", `${PODS}/p`, { metadata: { labels: { z } } });
  await label("1");
  await fixture.ask("PATCH", `${PODS}/p`, { metadata: { annotations: { a: "b" } } });
  await label("2");
  await label("1");
  await fixture.ask("DELETE", `${PODS}/p`);
  assert.deepEqual(await watch.said(), [
    "ADDED p Pending",
    "MODIFIED p Pending",
    "DELETED p Pending",
    "ADDED p Pending",
    "MODIFIED p Pending deleting",
    "DELETED p Pending deleting",
  ]);
  const [, modified, deleted] = watch.events as { object: { metadata: Record<string, unknown> } }[];
  assert.deepEqual(deleted?.object.metadata["labels"], { z: "1" });
  assert.ok(Number(deleted?.object.metadata["resourceVersion"]) > Number(modified?.object.metadata["resourceVersion"]));
});

Deno.test("a watch ends cleanly after its timeoutSeconds, with bookmarks on a period and shortly before the end", async () => {
  using fixture = new Fixture({ bookmarkPeriodMs: 4000 });
  const watch = await fixture.watch("resourceVersion=1010&timeoutSeconds=11&allowWatchBookmarks=true");
  await fixture.create("p", { spec: { schedulerName: "none" } });
  await fixture.clock.advance(10_900);
  assert.equal(watch.ended, "no");
  assert.deepEqual((await watch.said()).filter((said) => said === "BOOKMARK").length, 3);
  await fixture.clock.advance(100);
  await watch.done;
  assert.equal(watch.ended, "clean");
  assert.equal((watch.events.at(-1)?.object as Pod).metadata.resourceVersion, String(fixture.cluster.revision));
  assert.equal(fixture.cluster.watchCount, 0);
});

Deno.test("a watch from before the compaction gets one ERROR event with 410", async () => {
  using fixture = new Fixture({ stages: [] });
  const { metadata } = await fixture.list();
  await fixture.create("p");
  fixture.cluster.compact();
  const watch = await fixture.watch(`resourceVersion=${metadata.resourceVersion}`);
  await watch.done;
  assert.equal(watch.status, 200);
  assert.deepEqual(watch.events.map(({ type, object }) => [type, (object as Status).code, (object as Status).reason]), [
    ["ERROR", 410, "Expired"],
  ]);
});

Deno.test("dropped watches break, ended ones end, silent ones stay open and say nothing", async () => {
  using fixture = new Fixture({ stages: [] });
  const query = `resourceVersion=${fixture.cluster.revision}`;
  const dropped = await fixture.watch(query);
  fixture.cluster.dropWatches();
  const ended = await fixture.watch(query);
  fixture.cluster.dropWatches({ how: "end" });
  const silent = await fixture.watch(query);
  fixture.cluster.silenceWatches();
  await fixture.create("p");
  assert.deepEqual(await silent.said(), []);
  assert.deepEqual([dropped.ended, ended.ended, silent.ended], ["broken", "clean", "no"]);
  assert.equal(fixture.cluster.watchCount, 1);
});

Deno.test("a watch whose reader goes away is forgotten", async () => {
  using fixture = new Fixture();
  const response = await fixture.send("GET", `${PODS}?watch=1`);
  assert.equal(fixture.cluster.watchCount, 1);
  await response.body!.cancel();
  const abort = new AbortController();
  await fixture.send("GET", `${PODS}?watch=1`, undefined, { signal: abort.signal });
  abort.abort();
  await settled();
  assert.equal(fixture.cluster.watchCount, 0);
});
