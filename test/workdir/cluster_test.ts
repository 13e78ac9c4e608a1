import assert from "node:assert/strict";
import {
  clusterFingerprint,
  isSameCluster,
  type KnownCluster,
  mergeCluster,
  readCluster,
  writeCluster,
} from "../../src/workdir/cluster.ts";
import { memoryProvider } from "../support/memory_provider.ts";

const base: KnownCluster = { server: "https://a", namespace: "grid", authorities: ["ca1", "ca2"] };

const cases: [what: string, one: Partial<KnownCluster>, other: Partial<KnownCluster>, isSame: boolean][] = [
  ["the same in everything", {}, {}, true],
  ["another namespace", {}, { namespace: "other" }, false],
  ["another namespace with the same cluster", { clusterUid: "c" }, { clusterUid: "c", namespace: "other" }, false],
  ["the same namespace by its uid, all else changed", { namespaceUid: "n" }, {
    namespaceUid: "n",
    server: "https://b",
    authorities: ["ca3"],
  }, true],
  ["a namespace that was made again", { namespaceUid: "n" }, { namespaceUid: "m" }, false],
  ["the same cluster by its uid, another address", { clusterUid: "c" }, { clusterUid: "c", server: "https://b" }, true],
  ["another cluster by its uid", { clusterUid: "c" }, { clusterUid: "d" }, false],
  ["an authority of several in common", {}, { authorities: ["ca2", "ca3"] }, true],
  ["no authority in common", {}, { authorities: ["ca3"] }, false],
  ["the same authority for another address, as behind one gateway", {}, { server: "https://b" }, false],
  ["no authority on either side", { authorities: [] }, { authorities: [] }, true],
  ["an authority on one side alone", {}, { authorities: [] }, false],
  ["uids of which one side knows none", { namespaceUid: "n", clusterUid: "c" }, {}, true],
];
for (const [what, one, other, isSame] of cases) {
  Deno.test(`a cluster with ${what} is ${isSame ? "the same" : "another"} one`, () => {
    assert.equal(isSameCluster({ ...base, ...one }, { ...base, ...other }), isSame);
    assert.equal(isSameCluster({ ...base, ...other }, { ...base, ...one }), isSame);
  });
}

Deno.test("what is known of a cluster stays known though it may not be read any more", () => {
  const merged = mergeCluster({ ...base, namespaceUid: "n", clusterUid: "c" }, { ...base, server: "https://b" });
  assert.deepEqual(merged, { ...base, server: "https://b", namespaceUid: "n", clusterUid: "c" });
});

Deno.test("fingerprints tell clusters and namespaces apart, and stay the same when certificates change", () => {
  const known = { ...base, namespaceUid: "n" };
  assert.equal(clusterFingerprint(known), clusterFingerprint({ ...known, authorities: [], server: "https://b" }));
  const others = [known, { ...known, namespaceUid: "m" }, base, { ...base, namespace: "other" }, {
    ...base,
    server: "b",
  }];
  assert.equal(new Set(others.map(clusterFingerprint)).size, others.length);
});

Deno.test("the note of the cluster outlasts a power failure", async () => {
  const { workdir, files } = memoryProvider();
  assert.equal(readCluster(workdir), undefined);
  await writeCluster(workdir, base);
  const after = memoryProvider({ files: files.crash("synced") });
  assert.deepEqual(readCluster(after.workdir), { ...base, namespaceUid: undefined, clusterUid: undefined });
});

Deno.test("machines that are gone do not come back with a power failure once the directory is another cluster's", async () => {
  const { workdir, files } = memoryProvider();
  await writeCluster(workdir, base);
  const entry = `${workdir.layout.pods}/abcdefghijkl-0`;
  workdir.makeFile(entry, "{}");
  await files.sync(workdir.layout.pods);
  files.remove(entry);
  await writeCluster(workdir, { ...base, namespace: "other" });
  assert.deepEqual(memoryProvider({ files: files.crash("synced") }).workdir.names(workdir.layout.pods), []);
});
