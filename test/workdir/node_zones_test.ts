import assert from "node:assert/strict";
import { NodeZones } from "../../src/workdir/node_zones.ts";
import { memoryDependencies } from "../support/memory_dependencies.ts";

Deno.test("the zone of a node is read once while the node is followed, and is empty if it is not known", () => {
  const { workdir, files } = memoryDependencies();
  const write = (node: string, labels: Record<string, string> | null) =>
    files.writeText(`/work/nodes/${node}`, JSON.stringify({ metadata: { labels } }));
  write("n1", { "topology.kubernetes.io/zone": "z1" });
  write("n2", null);
  const zones = new NodeZones(workdir);
  assert.deepEqual(["n1", "n2", "n3"].map((node) => zones.of(node)), ["z1", "", ""]);
  write("n1", { "topology.kubernetes.io/zone": "z9" });
  assert.equal(zones.of("n1"), "z1");
  files.remove("/work/nodes/n1");
  assert.deepEqual(zones.followedNodes(), ["n2"]);
  assert.equal(zones.of("n1"), "");
});
