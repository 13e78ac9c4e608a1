import assert from "node:assert/strict";
import type { Pod, PodStatus } from "../../../src/kube/types.ts";
import { PodLabel, REQUEST_ANNOTATION, RETURN_ANNOTATION } from "../../../src/templates/podspec.ts";
import { getRequestStatus } from "../../../src/verbs/get_request_status.ts";
import { TimeoutsWatcher } from "../../../src/watchers/timeouts/watcher.ts";
import { LOST } from "../../../src/watchers/recovery/adopter.ts";
import { UNMARKED } from "../../../src/watchers/work/ownership.ts";
import { signatureOf } from "../../../src/watchers/work/pod_memory.ts";
import { PodsWatcher } from "../../../src/watchers/pods/watcher.ts";
import { RequestMachinesWatcher } from "../../../src/watchers/requests/watcher.ts";
import { readState, readTombstone, writeState, writeTombstone } from "../../../src/workdir/machines.ts";
import { addRequest, markProcessed, readRequest, settleMachine } from "../../../src/workdir/requests.ts";
import { readReturn } from "../../../src/workdir/returns.ts";
import { readSyncStatus } from "../../../src/workdir/index/sync_status.ts";
import { atOnce } from "../../support/at_once.ts";
import { noSpace, notPermitted } from "../../support/memory_files.ts";
import {
  ask,
  deleted,
  giveBack,
  type MemoryDependencies,
  memoryDependencies,
  ourPod,
  run,
} from "../../support/memory_dependencies.ts";
import { memoryProvider } from "../../support/memory_provider.ts";

const running: PodStatus = { phase: "Running", podIP: "10.0.0.1" };

/** A pod that remembers its request of so many machines. */
function remembering(
  name: string,
  options: { count: number; status?: PodStatus; returnId?: string; signedBy?: string },
): Pod {
  const { count, status = running, returnId: id, signedBy } = options;
  const signature = id === undefined || signedBy === undefined
    ? undefined
    : signatureOf({ id, uid: `uid-${name}`, key: signedBy });
  const returned = id === undefined ? {} : { [RETURN_ANNOTATION]: JSON.stringify({ id, requestedAt: 9, signature }) };
  const memory = JSON.stringify({ templateId: "T", count, index: 0, requestedAt: 7 });
  return ourPod(name, status, { annotations: { [REQUEST_ANNOTATION]: memory, ...returned } });
}

/** A watcher that is told of these pods in a whole LIST and writes down all that follows from it. */
async function list(dependencies: MemoryDependencies, ...pods: Pod[]): Promise<PodsWatcher> {
  const watcher = new PodsWatcher(dependencies, { wake: () => {}, changed: () => {} });
  watcher.begin();
  watcher.page(pods);
  watcher.heard();
  watcher.complete();
  await go(watcher, dependencies);
  return watcher;
}

async function go(watcher: PodsWatcher, dependencies: MemoryDependencies): Promise<void> {
  while (true) {
    const outcome = await watcher.step(dependencies.stopping);
    if (outcome.kind !== "again" || outcome.atMs > dependencies.clock.monotonic()) return;
  }
}

function status({ files, clock }: MemoryDependencies, requestId: string) {
  const [answer] = getRequestStatus(memoryProvider({ files, clock }), { requests: [{ requestId }] }).requests;
  assert.ok(answer);
  return answer;
}

Deno.test("a lost request comes back with what counts as up", async () => {
  const dependencies = memoryDependencies();
  const memory = JSON.stringify({ templateId: "T", count: 1, index: 0, requestedAt: 7, up: "Ready" });
  await list(dependencies, ourPod("req-0", running, { annotations: { [REQUEST_ANNOTATION]: memory } }));
  assert.equal(readRequest(dependencies.workdir, "req")?.record?.up, "Ready");
  assert.equal(status(dependencies, "req").status, "running", "it runs, and was never Ready");
});

Deno.test("a lost request comes back: its id, machines, count and results, and those without a pod failed", async () => {
  const dependencies = memoryDependencies();
  const pending = remembering("req-3", { count: 4, status: { phase: "Pending" } });
  await list(dependencies, remembering("req-0", { count: 4 }), remembering("req-2", { count: 4 }), pending);
  assert.deepEqual(readRequest(dependencies.workdir, "req"), {
    id: "req",
    record: { version: 1, templateId: "T", count: 4, requestedAt: 7 },
    machines: [0, 1, 2, 3].map((index) => ({ name: `req-${index}`, index, pending: false })),
    processed: true,
  });
  const answer = status(dependencies, "req");
  assert.equal(answer.status, "running");
  assert.deepEqual(answer.machines.map(({ name, result, machineId }) => [name, result, machineId]), [
    ["req-0", "succeed", "uid-req-0"],
    ["req-1", "fail", ""],
    ["req-2", "succeed", "uid-req-2"],
  ]);
  assert.equal(answer.machines[1]?.message, LOST);
});

Deno.test("what pods remember of a lost request is not believed if there are more of them", async () => {
  const dependencies = memoryDependencies();
  await list(dependencies, remembering("req-0", { count: 2 }), remembering("req-5", { count: 2 }));
  const stored = readRequest(dependencies.workdir, "req");
  assert.equal(stored?.record, undefined);
  assert.deepEqual(stored?.machines.map(({ name }) => name), ["req-0", "req-1", "req-5"]);
});

Deno.test("nothing is created for a request that came back, and asked for again it is the same", async () => {
  const dependencies = memoryDependencies();
  await list(dependencies, remembering("req-0", { count: 2 }));
  await run(new RequestMachinesWatcher(dependencies, () => {}), dependencies, 5_000);
  assert.deepEqual(dependencies.kube.named("createPod"), []);
  const before = dependencies.files.tree("/work");
  await addRequest(
    dependencies.workdir,
    { id: "req", templateId: "T", count: 2, requestedAt: 99, manifest: "{}" },
    atOnce,
  );
  assert.deepEqual(dependencies.files.tree("/work"), before);
});

Deno.test("the view is written only once everything is put back, and a full disk holds that up", async () => {
  const dependencies = memoryDependencies();
  const isPublication = ({ name, paths }: { name: string; paths: string[] }) =>
    name === "rename" && paths[1] === "/work/requests/req";
  dependencies.files.failWhere(isPublication, noSpace());
  const watcher = new PodsWatcher(dependencies, { wake: () => {}, changed: () => {} });
  watcher.begin();
  watcher.page([remembering("req-0", { count: 1 })]);
  watcher.heard();
  watcher.complete();
  await assert.rejects(go(watcher, dependencies), /No space left/);
  assert.equal(readSyncStatus(dependencies.workdir, "pods"), undefined);
  assert.equal(status(dependencies, "req").status, "running");
  dependencies.files.before = () => {};
  await go(watcher, dependencies);
  assert.notEqual(readSyncStatus(dependencies.workdir, "pods"), undefined);
  assert.equal(status(dependencies, "req").status, "complete");
});

Deno.test("what is in the way of one request holds up no other", async () => {
  const dependencies = memoryDependencies();
  dependencies.files.writeText("/work/requests/bad", "");
  await list(dependencies, remembering("bad-0", { count: 1 }), remembering("req-0", { count: 1 }));
  assert.equal(status(dependencies, "req").status, "complete");
  assert.equal(status(dependencies, "bad").status, "running");
  assert.notEqual(readSyncStatus(dependencies.workdir, "pods"), undefined);
});

Deno.test("a request that is lost while its pods are known is put back without another list", async () => {
  const dependencies = memoryDependencies();
  const watcher = await list(dependencies, remembering("req-0", { count: 2 }), remembering("req-1", { count: 2 }));
  dependencies.files.removeTree("/work/requests/req");
  assert.equal(status(dependencies, "req").status, "running");
  await dependencies.clock.advance(60_000);
  await go(watcher, dependencies);
  assert.deepEqual(status(dependencies, "req").machines.map(({ result }) => result), ["succeed", "succeed"]);
});

Deno.test("a machine whose pod file was lost with its request is not over: its state says that it runs", async () => {
  const dependencies = memoryDependencies();
  const watcher = await list(dependencies, remembering("req-0", { count: 2 }), remembering("req-1", { count: 2 }));
  dependencies.files.removeTree("/work/requests/req");
  dependencies.files.remove("/work/pods/req-1");
  await dependencies.clock.advance(60_000);
  await go(watcher, dependencies);
  assert.deepEqual(status(dependencies, "req").machines.map(({ result }) => result), ["succeed", "succeed"]);
});

Deno.test("an entry that was lost is put back; what is right already is left alone", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 2);
  await list(dependencies, remembering("req-0", { count: 2 }), remembering("req-1", { count: 2 }));
  dependencies.files.remove("/work/requests/req/req-1");
  const watcher = await list(dependencies, remembering("req-0", { count: 2 }), remembering("req-1", { count: 2 }));
  assert.equal(dependencies.workdir.kind("/work/requests/req/req-1"), "file");
  assert.equal(dependencies.workdir.kind("/work/requests/req/req-0"), "symlink");
  const writes = dependencies.files.writes.length;
  await dependencies.clock.advance(60_000);
  await go(watcher, dependencies);
  assert.equal(dependencies.files.writes.length, writes);
});

Deno.test("a pod that none of the machines of its request can have is over, and is none of its answers", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 1);
  await list(dependencies, remembering("req-0", { count: 1 }), remembering("req-5", { count: 1 }));
  assert.deepEqual(status(dependencies, "req").machines.map(({ name }) => name), ["req-0"]);
  assert.equal(readState(dependencies.workdir, "req-5"), "deleted");
  assert.equal(readTombstone(dependencies.workdir, "req-5")?.givenUp, true);
});

Deno.test("a pod that none of the machines of its request can have is deleted, after a grace", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 1);
  const pod = dependencies.kube.put(remembering("req-5", { count: 1 }));
  await list(dependencies, pod);
  const expiry = new TimeoutsWatcher(dependencies, {
    podTimeoutSeconds: 300,
    imagePullGraceSeconds: 60,
    wake: () => {},
  });
  await run(expiry, dependencies, 25_000);
  assert.ok(dependencies.kube.pods.has("req-5"));
  await run(expiry, dependencies, 15_000);
  assert.ok(!dependencies.kube.pods.has("req-5"));
});

Deno.test("of a machine without a pod that stays which is known: that it was given back, or how it ended", async () => {
  const dependencies = memoryDependencies();
  await giveBack(dependencies, "ret", "req-1");
  const record = { up: true, returned: false, givenUp: false, message: "out of memory" };
  writeTombstone(dependencies.workdir, "req-2", record);
  writeState(dependencies.workdir, "req-2", "failed");
  await list(dependencies, remembering("req-0", { count: 4 }));
  assert.deepEqual(
    status(dependencies, "req").machines.map(({ name, result, status }) => `${name} ${result} ${status}`),
    ["req-0 succeed running", "req-1 succeed terminated", "req-2 fail terminated", "req-3 fail terminated"],
  );
  assert.equal(status(dependencies, "req").machines[2]?.message, "out of memory");
});

Deno.test("a machine that was given back is not called gone while its pod is there, which a list does not show as ours", async () => {
  for (const isSoleOwner of [true, false]) {
    const own = memoryDependencies();
    const dependencies = { ...own, isSoleOwner, identity: { ...own.identity, takenOver: [UNMARKED] } };
    await giveBack(dependencies, "ret", "req-1");
    const { metadata, ...pod } = remembering("req-1", { count: 3 });
    const label = isSoleOwner ? PodLabel.request : PodLabel.workdir;
    dependencies.kube.put({ ...pod, metadata: { ...metadata, labels: { ...metadata.labels, [label]: "x" } } });
    await list(dependencies, remembering("req-0", { count: 3 }));
    assert.notEqual(readState(dependencies.workdir, "req-1"), "deleted");
    assert.equal(status(dependencies, "ret").status, "running");
  }
});

Deno.test("a return comes back as its pods remember it, and a machine of it that goes was given back", async () => {
  const dependencies = memoryDependencies();
  const returned = remembering("req-0", { count: 2, returnId: "ret" });
  const watcher = await list(dependencies, returned, remembering("req-1", { count: 2 }));
  assert.deepEqual(readReturn(dependencies.workdir, "ret"), {
    id: "ret",
    record: { version: 1, requestedAt: 9, unknown: [] },
    machines: ["req-0"],
    processed: false,
  });
  assert.equal(status(dependencies, "ret").status, "running");
  watcher.event("DELETED", returned);
  await go(watcher, dependencies);
  assert.equal(status(dependencies, "ret").status, "complete");
  assert.deepEqual(status(dependencies, "req").machines.map(({ result, status }) => `${result} ${status}`), [
    "succeed terminated",
    "succeed running",
  ]);
});

Deno.test("a return request that was removed once its pods had gone does not come back", async () => {
  const dependencies = memoryDependencies();
  await giveBack(dependencies, "ret", "req-0");
  const watcher = await list(dependencies);
  const returned = remembering("req-0", { count: 1, returnId: "ret" });
  watcher.event("MODIFIED", returned);
  watcher.event("DELETED", returned);
  await go(watcher, dependencies);
  dependencies.files.removeTree("/work/return-requests/ret");
  await dependencies.clock.advance(61_000);
  await go(watcher, dependencies);
  assert.equal(readReturn(dependencies.workdir, "ret"), undefined);
});

Deno.test("that a machine was given back is known from its pod, though the return request is not put back yet", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 1);
  const returned = remembering("req-0", { count: 1, returnId: "ret", signedBy: dependencies.identity.key });
  const watcher = await list(dependencies, returned);
  dependencies.files.removeTree("/work/return-requests/ret");
  watcher.event("DELETED", deleted(returned));
  await go(watcher, dependencies);
  assert.equal(readTombstone(dependencies.workdir, "req-0")?.returned, true);
});

Deno.test("what others write on a pod gives no machine back, while its request is there", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 3);
  const forged = [undefined, "another key"].map((signedBy, i) =>
    remembering(`req-${i}`, { count: 3, returnId: "ret", ...(signedBy === undefined ? {} : { signedBy }) })
  );
  const copied = remembering("req-0", { count: 3, returnId: "ret", signedBy: dependencies.identity.key });
  const borrowed = ourPod("req-2", running, { annotations: copied.metadata.annotations ?? {} });
  const watcher = await list(dependencies, ...forged, borrowed);
  assert.deepEqual(dependencies.workdir.names("/work/return-requests"), []);
  for (const pod of [...forged, borrowed]) {
    watcher.event("DELETED", deleted(pod));
  }
  await go(watcher, dependencies);
  for (const index of [0, 1, 2]) assert.equal(readTombstone(dependencies.workdir, `req-${index}`)?.returned, false);
});

Deno.test("pods of other instances and of the legacy plug-in bring nothing back", async () => {
  const dependencies = memoryDependencies();
  const pod = (instance: Record<string, string>) => {
    const foreign = remembering("req-0", { count: 1 });
    foreign.metadata.labels = { app: "req-0", [PodLabel.request]: "req", ...instance };
    return foreign;
  };
  await list(dependencies, pod({ [PodLabel.instance]: "other" }));
  await list(dependencies, pod({}));
  assert.deepEqual(dependencies.workdir.names("/work/requests"), []);
});

Deno.test("a memory that is broken, or was taken away, brings back what has pods", async () => {
  for (const annotations of [{}, { [REQUEST_ANNOTATION]: "{" }, { [REQUEST_ANNOTATION]: '{"count":1e9}' }]) {
    const dependencies = memoryDependencies();
    await list(dependencies, ourPod("req-1", running, { annotations }));
    assert.deepEqual(status(dependencies, "req").machines.map(({ name, result }) => `${name} ${result}`), [
      "req-1 succeed",
    ]);
  }
});

for (const leaves of ["everything", "synced", "names"] as const) {
  Deno.test(`killed at any operation, a lost request comes back whole (${leaves})`, async () => {
    const pods = [0, 1].map((i) => remembering(`req-${i}`, { count: 4, ...(i === 1 ? { returnId: "ret" } : {}) }));
    for (let n = 0;; n++) {
      const dependencies = memoryDependencies();
      const before = dependencies.files.writes.length;
      dependencies.files.killAt(n);
      await list(dependencies, ...pods).catch(() => {});
      const isOver = dependencies.files.writes.length - before <= n;
      const after = memoryDependencies({ files: dependencies.files.crash(leaves), clock: dependencies.clock, seed: 2 });
      await list(after, ...pods);
      const answer = status(after, "req");
      assert.equal(answer.status, "complete_with_error", `killed at ${n}`);
      assert.deepEqual(answer.machines.map(({ result }) => result), ["succeed", "succeed", "fail", "fail"], `at ${n}`);
      for (const { message } of answer.machines.slice(2)) assert.equal(message, LOST, `killed at ${n}`);
      assert.deepEqual(readReturn(after.workdir, "ret")?.machines, ["req-1"], `killed at ${n}`);
      if (isOver) break;
    }
  });
}

Deno.test("where directories lost what they said, requests and returns come back whole", async () => {
  const dependencies = memoryDependencies();
  for (const path of ["/work/requests/req", "/work/return-requests/ret"]) {
    dependencies.files.makeDirectory(path);
    dependencies.workdir.empty(`${path}/.processed`);
  }
  dependencies.returns.refresh(dependencies.clock.now());
  await list(dependencies, remembering("req-0", { count: 3 }), remembering("req-1", { count: 3, returnId: "ret" }));
  dependencies.returns.refresh(dependencies.clock.now());
  assert.deepEqual(status(dependencies, "req").machines.map(({ name, result }) => `${name} ${result}`), [
    "req-0 succeed",
    "req-1 succeed",
    "req-2 fail",
  ]);
  assert.deepEqual(readReturn(dependencies.workdir, "ret")?.machines, ["req-1"]);
  assert.equal(dependencies.returns.has("req-1"), true);
});

Deno.test("a machine that has neither pod nor state nor entry any more fails, once its request was handled", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 2);
  for (const machine of ["req-0", "req-1"]) settleMachine(dependencies.workdir, "req", machine);
  dependencies.files.remove("/work/requests/req/req-1");
  await list(dependencies, remembering("req-0", { count: 2 }));
  assert.equal(status(dependencies, "req").status, "running", "it is still to be created");
  await markProcessed(dependencies.workdir, "req");
  await list(dependencies, remembering("req-0", { count: 2 }));
  assert.deepEqual(status(dependencies, "req").machines.map(({ result }) => result), ["succeed", "fail"]);
});

Deno.test("what is among the pod files and holds no pod brings no request back", async () => {
  const dependencies = memoryDependencies();
  const watcher = await list(dependencies);
  dependencies.files.writeText("/work/pods/req-0", "no pod");
  await dependencies.clock.advance(61_000);
  await go(watcher, dependencies);
  assert.deepEqual(dependencies.workdir.names("/work/requests"), []);
});

Deno.test("a request that no one may look into holds up neither the others nor the view", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 1);
  dependencies.files.failWhere(
    ({ name, paths }) => name === "list" && paths[0] === "/work/requests/req",
    notPermitted(),
  );
  await list(dependencies, remembering("req-0", { count: 1 }), remembering("other-0", { count: 1 }));
  assert.ok(readRequest(dependencies.workdir, "other"));
  assert.ok(readSyncStatus(dependencies.workdir, "pods"));
});
