import assert from "node:assert/strict";
import type { NewEvent } from "../../../src/events/types.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import type { Node, NodeCondition, Taint } from "../../../src/kube/types.ts";
import { NodesWatcher } from "../../../src/watchers/nodes/watcher.ts";
import { readDepartures } from "../../../src/workdir/departures.ts";
import { writeEvictions } from "../../../src/workdir/evictions.ts";
import { readSyncStatus } from "../../../src/workdir/index/sync_status.ts";
import { noSpace } from "../../support/memory_files.ts";
import { type MemoryDependencies, memoryDependencies } from "../../support/memory_dependencies.ts";

/** A watcher whose reflector the test plays: `list` tells it a whole LIST, `go` lets it write down what it was told. */
function watch(dependencies: MemoryDependencies) {
  const watcher = new NodesWatcher(dependencies, { wake: () => {} });
  const go = async () => {
    while (true) {
      const outcome = await watcher.step(dependencies.stopping);
      if (outcome.kind !== "again" || outcome.atMs > dependencies.clock.monotonic()) return;
    }
  };
  const list = (...nodes: Node[]) => {
    watcher.begin();
    watcher.page(nodes);
    watcher.heard();
    watcher.complete();
  };
  return { watcher, go, list };
}

function node(
  name: string,
  { version = "1", uid = `uid-${name}`, conditions = [], ...spec }:
    & { version?: string; uid?: string; conditions?: NodeCondition[]; taints?: Taint[] }
    & Record<string, unknown> = {},
): Node {
  return { metadata: { name, uid, resourceVersion: version, managedFields: [{}] }, spec, status: { conditions } };
}

const disrupted: Taint = { key: "karpenter.sh/disrupted", effect: "NoSchedule" };
const spot: Taint = { key: "aws-node-termination-handler/spot-itn", effect: "NoSchedule" };
const leaving = ({ workdir }: MemoryDependencies) => [...readDepartures(workdir).keys()].sort();
const seconds = ({ clock }: MemoryDependencies) => Math.floor(clock.now() / 1000);
const isoNow = ({ clock }: MemoryDependencies) => new Date(clock.now()).toISOString();
const cordoned = (dependencies: MemoryDependencies): Record<string, unknown> => ({
  unschedulable: true,
  taints: [{ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule", timeAdded: isoNow(dependencies) }],
});
const fileWrites = ({ files }: MemoryDependencies, from = 0) =>
  files.writes.slice(from).filter(({ name, paths }) => name === "rename" && paths[1]?.startsWith("/work/nodes/"))
    .length;

Deno.test("what is among the files of nodes and cannot be one stays", async () => {
  const dependencies = memoryDependencies();
  const { list, go } = watch(dependencies);
  for (const name of ["README", "gone"]) dependencies.files.writeText(`/work/nodes/${name}`, "");
  list(node("n1"));
  await go();
  assert.deepEqual(dependencies.workdir.names("/work/nodes").sort(), ["README", "n1"]);
});

Deno.test("a list is written down: files, departures, and then the view", async () => {
  const dependencies = memoryDependencies();
  const { list, go } = watch(dependencies);
  list(node("n1"), node("n2", { taints: [disrupted] }));
  await go();
  assert.deepEqual(dependencies.workdir.names("/work/nodes").sort(), ["n1", "n2"]);
  const file = JSON.parse(dependencies.files.readText("/work/nodes/n1"));
  assert.deepEqual([file.metadata.name, file.metadata.managedFields], ["n1", undefined]);
  assert.deepEqual(leaving(dependencies), ["n2"]);
  const now = seconds(dependencies);
  assert.deepEqual(readSyncStatus(dependencies.workdir, "nodes"), {
    completeAt: now,
    heardAt: now,
    clusterAheadSeconds: 0,
  });
});

Deno.test("a node whose taint is gone again is about to go no longer", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list(node("n1"));
  watcher.event("MODIFIED", node("n1", { taints: [disrupted] }));
  await go();
  assert.deepEqual(leaving(dependencies), ["n1"]);
  watcher.event("MODIFIED", node("n1"));
  await go();
  assert.deepEqual(leaving(dependencies), []);
});

Deno.test("what went while no one watched is removed by the next list, and not before that is complete", async () => {
  const dependencies = memoryDependencies();
  const first = watch(dependencies);
  first.list(node("n1"), node("n2"));
  await first.go();
  const { watcher, go } = watch(dependencies);
  watcher.begin();
  watcher.page([node("n1")]);
  await go();
  assert.deepEqual(dependencies.workdir.names("/work/nodes").sort(), ["n1", "n2"]);
  watcher.complete();
  await go();
  assert.deepEqual(dependencies.workdir.names("/work/nodes"), ["n1"]);
});

Deno.test("a list that was cut short takes nothing away when the next one is whole", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list(node("n1"), node("n2", { taints: [disrupted] }));
  watcher.begin();
  watcher.page([node("n1")]);
  list(node("n1"), node("n2", { taints: [disrupted] }));
  await go();
  assert.deepEqual(dependencies.workdir.names("/work/nodes").sort(), ["n1", "n2"]);
  assert.deepEqual(leaving(dependencies), ["n2"]);
  watcher.begin();
  watcher.page([node("n1"), node("n2")]);
  list(node("n1"));
  await go();
  assert.deepEqual(
    dependencies.workdir.names("/work/nodes"),
    ["n1"],
    "nor does it keep what the next one does not name",
  );
});

Deno.test("heartbeats write nothing; what changes often is written once in two seconds", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  const ready = (heartbeat: string) =>
    node("n1", { version: heartbeat, conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: heartbeat }] });
  list(ready("1"));
  await go();
  const before = dependencies.files.writes.length;
  for (const beat of ["2", "3"]) watcher.event("MODIFIED", ready(beat));
  await dependencies.clock.advance(5_000);
  await go();
  list(ready("4"));
  await go();
  assert.equal(fileWrites(dependencies, before), 0);
  for (const label of ["a", "b", "c"]) {
    watcher.event("MODIFIED", node("n1", { providerID: label }));
    await dependencies.clock.advance(600);
    await go();
  }
  assert.equal(fileWrites(dependencies, before), 0);
  await dependencies.clock.advance(200);
  await go();
  assert.equal(fileWrites(dependencies, before), 1);
  assert.equal(JSON.parse(dependencies.files.readText("/work/nodes/n1")).spec.providerID, "c");
});

Deno.test("a cordoned node is about to go once machines were evicted from it since, and until it is uncordoned", async () => {
  const dependencies = memoryDependencies();
  const { list, go } = watch(dependencies);
  const drained = node("n1", cordoned(dependencies));
  list(drained, node("n2", cordoned(dependencies)), node("n3"));
  await go();
  assert.deepEqual(leaving(dependencies), []);
  const evicted = (at: number) => ({ evicted: { "r-0": at, "r-1": at }, others: 1 });
  const [now, before] = [seconds(dependencies), seconds(dependencies) - 60];
  writeEvictions(dependencies.workdir, new Map([["n1", evicted(now)], ["n2", evicted(before)], ["n3", evicted(0)]]));
  await go();
  assert.deepEqual(leaving(dependencies), ["n1"]);
  dependencies.files.remove("/work/views/evictions.json");
  const restarted = watch(dependencies);
  restarted.list(drained, node("n2"), node("n3"));
  await restarted.go();
  assert.deepEqual(leaving(dependencies), ["n1"], "a restart does not forget it");
  restarted.watcher.event("MODIFIED", node("n1"));
  await restarted.go();
  assert.deepEqual(leaving(dependencies), []);
});

Deno.test("a node that said it would go and is gone is spoken of for five minutes more; one that did not say so is not", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  const lostTaint: Taint = {
    key: "node.kubernetes.io/unreachable",
    effect: "NoExecute",
    timeAdded: isoNow(dependencies),
  };
  list(
    node("n1", { taints: [spot] }),
    node("n2"),
    node("n3", { taints: [lostTaint] }),
    node("n4", { taints: [disrupted] }),
  );
  await go();
  assert.deepEqual(leaving(dependencies), ["n1", "n3", "n4"]);
  for (const [name, taints] of [["n1", [spot]], ["n2", []], ["n3", [lostTaint]]] as const) {
    watcher.event("DELETED", node(name, { taints: [...taints] }));
  }
  list();
  await go();
  const now = seconds(dependencies);
  assert.deepEqual(leaving(dependencies), ["n1", "n4"]);
  assert.equal(readDepartures(dependencies.workdir).get("n1")?.goneAt, now);
  await dependencies.clock.advance(301_000);
  await go();
  assert.deepEqual(leaving(dependencies), []);
  assert.deepEqual(dependencies.workdir.names("/work/nodes"), []);
});

Deno.test("another node of the same name starts again", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list(node("n1", { taints: [spot] }), node("n2", { taints: [spot] }));
  await go();
  const goneAt = seconds(dependencies) + 120;
  await dependencies.clock.advance(60_000);
  watcher.event("DELETED", node("n1", { taints: [spot] }));
  watcher.event("ADDED", node("n1", { uid: "another" }));
  watcher.event("MODIFIED", node("n2", { uid: "another", taints: [spot] }));
  await go();
  assert.deepEqual(leaving(dependencies), ["n2"]);
  assert.equal(readDepartures(dependencies.workdir).get("n2")?.goneAt, goneAt + 60);
});

Deno.test("a notice goes on over a restart", async () => {
  const dependencies = memoryDependencies();
  const first = watch(dependencies);
  first.list(node("n1", { taints: [spot] }));
  await first.go();
  const goneAt = seconds(dependencies) + 120;
  await dependencies.clock.advance(60_000);
  const { list, go } = watch(dependencies);
  list(node("n1", { taints: [spot] }));
  await go();
  assert.equal(readDepartures(dependencies.workdir).get("n1")?.goneAt, goneAt);
});

Deno.test("the view is not fresher than the departures; the files of nodes do not hold it up", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list(node("n1"));
  await go();
  const before = readSyncStatus(dependencies.workdir, "nodes");
  await dependencies.clock.advance(10_000);
  watcher.event("MODIFIED", node("n1", { taints: [disrupted] }));
  watcher.heard();
  dependencies.files.failWhere(
    ({ name, paths }) => name === "rename" && paths[1] === "/work/views/departures.json",
    noSpace(),
  );
  assert.throws(() => void watcher.step(dependencies.stopping), { code: "ENOSPC" });
  assert.deepEqual(readSyncStatus(dependencies.workdir, "nodes"), before);
  dependencies.files.failWhere(({ paths }) => paths[1] === "/work/nodes/n1", noSpace());
  await dependencies.clock.advance(2_000);
  assert.throws(() => void watcher.step(dependencies.stopping), { code: "ENOSPC" });
  assert.deepEqual(leaving(dependencies), ["n1"]);
  assert.equal(readSyncStatus(dependencies.workdir, "nodes")?.heardAt, seconds(dependencies) - 2);
});

Deno.test("while a list is under way, and after a refusal, the view gets no fresher", async () => {
  const dependencies = memoryDependencies();
  const { watcher, go } = watch(dependencies);
  watcher.failed(new KubeError("unauthorised", "nodes is forbidden"));
  await go();
  watcher.begin();
  watcher.page([node("n1")]);
  watcher.heard();
  await go();
  assert.equal(readSyncStatus(dependencies.workdir, "nodes"), undefined);
});

Deno.test("what cannot be a node is not written down, and what stands in the way of one holds up no other", async () => {
  const dependencies = memoryDependencies();
  dependencies.files.makeDirectory("/work/nodes/n1/x");
  const { list, go } = watch(dependencies);
  list(node("../evil"), node("__proto__", { taints: [disrupted] }), node("n1", { taints: [disrupted] }), node("n2"));
  await go();
  assert.deepEqual(dependencies.workdir.names("/work/nodes").sort(), ["n1", "n2"]);
  assert.deepEqual(leaving(dependencies), ["n1"]);
  dependencies.files.removeTree("/work/nodes/n1");
  list(node("n1"), node("n2"));
  await go();
  assert.equal(dependencies.workdir.kind("/work/nodes/n1"), "file");
});

Deno.test("thousands of nodes are written down in slices, and none is left out", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list(...Array.from({ length: 250 }, (_, i) => node(`n-${i}`)));
  await watcher.step(dependencies.stopping);
  assert.equal(dependencies.workdir.names("/work/nodes").length, 100);
  await go();
  assert.equal(dependencies.workdir.names("/work/nodes").length, 250);
});

Deno.test("departures that cannot be read are written again", async () => {
  const dependencies = memoryDependencies();
  dependencies.files.writeText("/work/views/departures.json", '{"n1": 7');
  const { list, go } = watch(dependencies);
  list(node("n2", { taints: [disrupted] }));
  await go();
  assert.deepEqual(leaving(dependencies), ["n2"]);
});

Deno.test("what somebody removed from the work directory is there again after the next list", async () => {
  const dependencies = memoryDependencies();
  const { list, go } = watch(dependencies);
  list(node("n1", { taints: [disrupted] }), node("n2"));
  await go();
  for (const path of ["nodes/n1", "views/departures.json", "views/nodes.json"]) {
    dependencies.files.remove(`/work/${path}`);
  }
  await dependencies.clock.advance(1_000);
  list(node("n1", { taints: [disrupted] }), node("n2"));
  await go();
  assert.deepEqual(dependencies.workdir.names("/work/nodes").sort(), ["n1", "n2"]);
  assert.deepEqual(leaving(dependencies), ["n1"]);
});

Deno.test("what happens to nodes is told as events: each step once, and that one is gone, also if nobody looked", async () => {
  const told: NewEvent[] = [];
  const events = { record: (some: readonly NewEvent[]) => void told.push(...some) };
  const dependencies = { ...memoryDependencies(), events };
  const words = () =>
    told.splice(0).flatMap(({ id, pairs }) => pairs.status === undefined ? [] : [`${id} ${String(pairs.status)}`]);
  const first = watch(dependencies);
  first.list(node("n1"), node("n2"));
  await first.go();
  assert.deepEqual(words(), ["n1::uid-n1 created", "n2::uid-n2 created"]);
  const ready = [{ type: "Ready", status: "True" as const }];
  for (const version of ["2", "3"]) first.watcher.event("MODIFIED", node("n1", { version, conditions: ready }));
  first.watcher.event("DELETED", node("n2", { version: "4" }));
  first.list(node("n1", { conditions: ready }));
  await first.go();
  assert.deepEqual(words(), ["n1::uid-n1 ready", "n2::uid-n2 deleted"]);
  await dependencies.clock.advance(5_000);
  await first.go();
  const second = watch(dependencies);
  second.list(node("n3"));
  await second.go();
  assert.deepEqual(words(), ["n3::uid-n3 created", "n1::uid-n1 deleted"]);
});
