import assert from "node:assert/strict";
import type { ClusterPlace } from "../../src/kube/cluster_place.ts";
import { ClusterGuard } from "../../src/serve/cluster_guard.ts";
import { podFileText } from "../../src/workdir/pod_file.ts";
import { clusterFingerprint, readCluster } from "../../src/workdir/cluster.ts";
import { settleMachine } from "../../src/workdir/requests.ts";
import { writeState } from "../../src/workdir/machines.ts";
import { markReturnProcessed } from "../../src/workdir/returns.ts";
import { ask, giveBack, memoryDependencies, ourPod } from "../support/memory_dependencies.ts";

const here: ClusterPlace = { server: "https://here", namespace: "grid", authorities: ["ca"], namespaceUid: "n1" };
const there: ClusterPlace = { server: "https://there", namespace: "grid", authorities: ["cb"], namespaceUid: "n2" };
const nowhere = () => Promise.resolve(undefined);

function guarded(options: { accepted?: string; mayWrite?: boolean } = {}) {
  const dependencies = memoryDependencies();
  const { workdir, files } = dependencies;
  const { accepted, mayWrite = true } = options;
  const guard = new ClusterGuard(workdir, { accepted, mayWrite: () => mayWrite });
  const know = (name: string) => files.writeText(`/work/pods/${name}`, podFileText(ourPod(name)));
  return { dependencies, workdir, files, guard, know };
}

const refused = {
  name: "KubeError",
  kind: "unavailable",
  message: "The credentials lead to namespace 'grid' (uid n2) of https://there, but the machines of '/work' are in " +
    "namespace 'grid' (uid n1) of https://here",
  hint: new RegExp(`--accept-cluster ${clusterFingerprint(there)}$`),
};

Deno.test("a work directory belongs to whatever cluster it sees until it knows a machine, and to no other after that", async () => {
  const { guard, workdir, know } = guarded();
  await guard.admit(there, nowhere);
  assert.equal(readCluster(workdir)?.namespaceUid, "n2");
  await guard.admit(here, nowhere);
  assert.equal(readCluster(workdir)?.namespaceUid, "n1");
  know("r-0");
  await assert.rejects(async () => await guard.admit(there, nowhere), refused);
  assert.equal(guard.refusal, refused.message);
  await guard.admit(here, nowhere);
  assert.equal(guard.refusal, undefined, "the context was put right");
});

Deno.test("requests and returns without a machine in them do not tie the work directory to a cluster", async () => {
  const { guard, workdir, files } = guarded();
  await guard.admit(there, nowhere);
  files.makeDirectory("/work/requests/bad");
  files.makeDirectory("/work/return-requests/bad/bad");
  await guard.admit(here, nowhere);
  assert.equal(readCluster(workdir)?.namespaceUid, "n1");
  files.symlink("../.prototypes/.manifest.json", "/work/requests/bad/bad-0");
  await assert.rejects(async () => await guard.admit(there, nowhere), refused, "a machine of it may have a pod");
});

Deno.test("a return that has not been handled ties the work directory to a cluster, though its machines are not known", async () => {
  const { guard, workdir, dependencies } = guarded();
  await guard.admit(here, nowhere);
  await giveBack(dependencies, "ret", "r-0");
  await assert.rejects(async () => await guard.admit(there, nowhere), refused);
  writeState(workdir, "r-0", "deleted");
  await guard.admit(there, nowhere);
  await guard.admit(here, nowhere);
  writeState(workdir, "r-0", "creating");
  await assert.rejects(async () => await guard.admit(there, nowhere), refused);
  workdir.remove("/work/pods-status/r-0");
  await markReturnProcessed(workdir, "ret");
  await guard.admit(there, nowhere);
  assert.equal(readCluster(workdir)?.namespaceUid, "n2");
});

Deno.test("that a work directory was emptied while we run does not make it another cluster's", async () => {
  const { guard, workdir, files, know } = guarded();
  await guard.admit(here, nowhere);
  know("r-0");
  for (const path of ["/work/cluster.json", "/work/pods/r-0"]) files.remove(path);
  await assert.rejects(async () => await guard.admit(there, nowhere), refused);
  assert.equal(readCluster(workdir), undefined);
  await guard.admit(here, nowhere);
  assert.equal(readCluster(workdir)?.namespaceUid, "n1");
});

Deno.test("a machine whose state a power failure took may have a pod", async () => {
  const { guard, files, dependencies } = guarded();
  await guard.admit(here, nowhere);
  await ask(dependencies, "req", 1);
  settleMachine(dependencies.workdir, "req", "req-0");
  files.writeText("/work/requests/req/.processed", "");
  await assert.rejects(async () => await guard.admit(there, nowhere), refused);
  files.symlink("deleted", "/work/pods-status/req-0");
  await guard.admit(there, nowhere);
});

Deno.test("a change of cluster is accepted by the fingerprint of the new one, and of no other", async () => {
  for (const accepted of [clusterFingerprint(there), clusterFingerprint(here)]) {
    const { guard, workdir, know } = guarded({ accepted });
    await guard.admit(here, nowhere);
    know("r-0");
    if (accepted === clusterFingerprint(there)) {
      await guard.admit(there, nowhere);
      assert.equal(readCluster(workdir)?.server, "https://there");
    } else await assert.rejects(async () => await guard.admit(there, nowhere), refused);
  }
});

Deno.test("an older work directory, which names no cluster, belongs to one where a machine of it is", async () => {
  const { guard, workdir, know } = guarded();
  for (const name of ["r-0", "r-1"]) know(name);
  const elsewhere = (name: string) => Promise.resolve(name === "r-0" ? "another-uid" : undefined);
  await assert.rejects(async () => await guard.admit(there, elsewhere), {
    message: /where none of the machines is that '\/work' knows$/,
  });
  assert.equal(readCluster(workdir), undefined);
  await guard.admit(here, (name) => Promise.resolve(name === "r-1" ? "uid-r-1" : undefined));
  assert.equal(readCluster(workdir)?.server, "https://here");
});

Deno.test("a cluster whose certificates or address change stays the same one, and what is new of it is noted", async () => {
  const { guard, workdir, files } = guarded();
  await guard.admit(here, nowhere);
  await guard.admit({ ...here, server: "https://new", authorities: ["cc"] }, nowhere);
  assert.equal(readCluster(workdir)?.server, "https://new");
  const writes = files.writes.length;
  await guard.admit({ ...here, server: "https://new", authorities: ["cc"] }, nowhere);
  assert.equal(files.writes.length, writes, "already right: does nothing");
});

Deno.test("a standby writes nothing of what it sees of the cluster", async () => {
  const { guard, workdir, files } = guarded();
  await guard.admit(here, nowhere);
  const standby = new ClusterGuard(workdir, { mayWrite: () => false });
  const writes = files.writes.length;
  await standby.admit({ ...here, server: "https://new" }, nowhere);
  assert.equal(files.writes.length, writes);
});

Deno.test("an onlooker writes nothing, whichever cluster it sees first or is told to accept", async () => {
  const { workdir, files, know } = guarded();
  const writes = files.writes.length;
  let moved = 0;
  const accepted = clusterFingerprint(there);
  const onlooker = new ClusterGuard(workdir, {
    accepted,
    mayWrite: () => true,
    moved: () => void moved++,
    isOnlooker: true,
  });
  await onlooker.admit(here, nowhere);
  assert.equal(files.writes.length, writes);
  await new ClusterGuard(workdir, { mayWrite: () => true }).admit(here, nowhere);
  know("r-0");
  const noted = readCluster(workdir);
  await onlooker.admit(there, nowhere);
  assert.deepEqual([readCluster(workdir), moved], [noted, 0]);
});
