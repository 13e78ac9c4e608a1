import assert from "node:assert/strict";
import type { NewEvent } from "../../../src/events/types.ts";
import type { KubeEvent } from "../../../src/kube/types.ts";
import { newsOfKubeEvent } from "../../../src/watchers/kube_events/news.ts";
import { KubeEventsWatcher } from "../../../src/watchers/kube_events/watcher.ts";
import { writeState } from "../../../src/workdir/machines.ts";
import { memoryDependencies } from "../../support/memory_dependencies.ts";

const at = (second: number) => Date.UTC(2026, 10, 20, 0, 0, second) / 1000;
const time = (second: number) => `2026-11-20T00:00:0${second}Z`;

function said(about: KubeEvent["involvedObject"], rest: Partial<KubeEvent> = {}): KubeEvent {
  return {
    metadata: { uid: "e1", resourceVersion: "1", creationTimestamp: time(1) },
    involvedObject: about,
    type: "Warning",
    reason: "FailedScheduling",
    message: "0/3 nodes are available",
    reportingComponent: "default-scheduler",
    lastTimestamp: time(3),
    ...rest,
  };
}

const known = {
  isMachine: (pod: string) => pod === "req-0",
  nodeUid: (node: string) => node === "n1" ? "u1" : undefined,
};

Deno.test("what is said of a machine is recorded whole and in parts, with the time that it was said at", () => {
  const whole = {
    type: "Warning",
    reason: "FailedScheduling",
    message: "0/3 nodes are available",
    source: "default-scheduler",
    timestamp: at(1),
  };
  assert.deepEqual(newsOfKubeEvent(said({ kind: "Pod", name: "req-0" }), known), [{
    category: "pod",
    id: "req-0",
    pairs: {
      events: JSON.stringify(whole),
      event_reason: whole.reason,
      event_message: whole.message,
      event_source: whole.source,
    },
    at: at(3),
  }]);
  assert.deepEqual(newsOfKubeEvent(said({ kind: "Pod", name: "other" }), known), []);
  assert.deepEqual(newsOfKubeEvent(said({ kind: "Deployment", name: "req-0" }), known), []);
});

Deno.test("a node goes by its uid, also in the words of its kubelet, which has only its name", () => {
  const ids = (about: KubeEvent["involvedObject"]) => newsOfKubeEvent(said(about), known).map(({ id }) => id);
  assert.deepEqual(ids({ kind: "Node", name: "n2", uid: "u2" }), ["n2::u2"]);
  assert.deepEqual(ids({ kind: "Node", name: "n1", uid: "n1" }), ["n1::u1"]);
  assert.deepEqual(ids({ kind: "Node", name: "n3", uid: "n3" }), []);
});

Deno.test("what Karpenter takes away has a row of its own, with the legacy plug-in's names", () => {
  const pairs = (message: string) =>
    newsOfKubeEvent(said({ kind: "Node", name: "n1", uid: "u1" }, { message, lastTimestamp: null }), known).at(-1);
  assert.deepEqual(pairs("Disrupting Node: Underutilized/Delete")?.pairs, { eviction_uderutilized: String(at(1)) });
  assert.deepEqual(pairs("Disrupting Node: Empty/Delete")?.pairs, { eviction_empty: String(at(1)) });
  assert.equal(pairs("Disrupting Node: Drifted/Replace")?.pairs.event_reason, "FailedScheduling");
});

Deno.test("each word is recorded once, however often it is listed, and again when it is said again", async () => {
  const told: NewEvent[] = [];
  const events = { record: (some: readonly NewEvent[]) => void told.push(...some) };
  const dependencies = { ...memoryDependencies(), events };
  writeState(dependencies.workdir, "req-0", "pending");
  const watcher = new KubeEventsWatcher(dependencies, { about: "Pod" });
  const list = (...all: KubeEvent[]) => {
    watcher.begin();
    watcher.page(all);
    watcher.complete();
  };
  const one = said({ kind: "Pod", name: "req-0" });
  const again = { ...one, metadata: { ...one.metadata, resourceVersion: "2" }, lastTimestamp: time(9) };
  list(one, said({ kind: "Pod", name: "stranger" }, { metadata: { uid: "e2" } }));
  list(one);
  watcher.event("MODIFIED", again);
  watcher.event("DELETED", again);
  await watcher.step(dependencies.stopping);
  await watcher.step(dependencies.stopping);
  assert.deepEqual(told.map(({ id, at }) => [id, at]), [["req-0", at(3)], ["req-0", at(9)]]);
});
