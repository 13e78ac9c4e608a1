import assert from "node:assert/strict";
import type { Files } from "../../src/files.ts";
import { serve, type ServeOptions } from "../../src/serve/serve.ts";
import { WATCHERS } from "../../src/serve/watcher_names.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { requestMachines } from "../../src/verbs/request_machines.ts";
import { getRequestStatus } from "../../src/verbs/get_request_status.ts";
import { addRequest } from "../../src/workdir/requests.ts";
import { addReturn } from "../../src/workdir/returns.ts";
import { readSyncStatus } from "../../src/workdir/index/sync_status.ts";
import { atOnce } from "../support/at_once.ts";
import { type Copy, notPermitted } from "../support/memory_files.ts";
import { FakeKube } from "../support/fake_kube.ts";
import { manifest, type MemoryProvider, memoryProvider } from "../support/memory_provider.ts";
import { settled } from "../support/simulated_clock.ts";

const options: ServeOptions = {
  watchers: WATCHERS,
  instance: "k8s-hf",
  concurrency: 8,
  podTimeoutSeconds: 300,
  imagePullGraceSeconds: 60,
  watchTimeoutSeconds: 60,
};

/** A daemon that runs until it is stopped, two machines that run, and a backup from before they were asked for. */
async function serving() {
  const provider = memoryProvider({ requestId: "req" });
  const kube = new FakeKube(provider.clock);
  const taken = { now: 0, times: 0 };
  const locks = {
    take: () => {
      taken.now++;
      taken.times++;
      return () => void taken.now--;
    },
  };
  const holder = { host: "h", pid: 1, command: "serve", since: "" };
  const stopping = new AbortController();
  const running = serve({ ...provider, connect: () => kube, locks, holder }, options, stopping.signal);
  await provider.clock.advance(2_000);
  const backup = provider.files.copy("/work");
  await requestMachines(provider, { template: { templateId: "T", machineCount: 2 } });
  await provider.clock.advance(5_000);
  for (const pod of [...kube.pods.values()]) kube.put({ ...pod, status: { phase: "Running", podIP: "10.0.0.1" } });
  assert.equal(kube.pods.size, 2);
  return { provider, kube, taken, running, stopping, backup };
}

function status(provider: MemoryProvider) {
  const [answer] = getRequestStatus(provider, { requests: [{ requestId: "req" }] }).requests;
  return `${answer?.status} ${answer?.machines.map(({ result }) => result).join(" ")}`.trim();
}

const losses: [what: string, lose: (provider: MemoryProvider) => unknown][] = [
  ["removed", ({ files }) => files.removeTree("/work")],
  ["emptied", ({ files }) => files.list("/work").forEach(({ name }) => files.removeTree(`/work/${name}`))],
  ["without its requests", ({ files }) => files.removeTree("/work/requests")],
  [
    "without its pods and states",
    ({ files }) => ["pods", "pods-status"].map((path) => files.removeTree(`/work/${path}`)),
  ],
  ["left with nothing but directories", ({ files }) => loseFiles(files)],
  ["made again by a verb", ({ files, workdir }) => (files.removeTree("/work"), workdir.prepare())],
];
/** Of files and links, in every directory. */
function loseFiles(files: Files, directory = "/work"): void {
  for (const { name, kind } of files.list(directory)) {
    if (kind === "directory") loseFiles(files, `${directory}/${name}`);
    else files.remove(`${directory}/${name}`);
  }
}

for (const [what, lose] of losses) {
  Deno.test(`a work directory that is ${what} while serve runs is rebuilt, and serve goes on in it`, async () => {
    const { provider, kube, taken, running, stopping } = await serving();
    await lose(provider);
    assert.match(status(provider), /^running/, "nothing is said before all is known again");
    await provider.clock.advance(10_000);
    assert.equal(status(provider), "complete succeed succeed");
    assert.equal(kube.named("createPod").length, 2, "no pod was created twice");
    assert.deepEqual(taken, { now: WATCHERS.length, times: 2 * WATCHERS.length });

    const next = memoryProvider({ ...provider, requestId: "next" });
    await requestMachines(next, { template: { templateId: "T", machineCount: 1 } });
    await provider.clock.advance(5_000);
    assert.ok(kube.pods.has("next-0"));
    stopping.abort();
    await provider.clock.advance(1_000);
    await running;
    assert.equal(taken.now, 0);
  });
}

for (
  const [how, restore] of [
    ["put in its place", ({ files }, backup) => files.putBack("/work", backup)],
    ["copied into it", ({ files }, backup) => {
      files.putBack("/backup", backup);
      for (const { name } of files.list("/work")) files.removeTree(`/work/${name}`);
      for (const { name } of files.list("/backup")) files.rename(`/backup/${name}`, `/work/${name}`);
    }],
  ] satisfies [string, (provider: MemoryProvider, backup: Copy) => void][]
) {
  Deno.test(`a backup that is ${how} while serve runs is noticed, and what came after it is adopted`, async () => {
    const { provider, kube, running, stopping, backup } = await serving();
    await provider.clock.advance(70_000);
    restore(provider, backup);
    kube.fail("listPods", new KubeError("unavailable", "the server is away"));
    await provider.clock.advance(2_000);
    assert.equal(status(provider), "running", "nothing is said before all is known again");
    kube.recover();
    await provider.clock.advance(60_000);
    assert.equal(status(provider), "complete succeed succeed");
    assert.equal(kube.named("createPod").length, 2, "no pod was created twice");
    stopping.abort();
    await provider.clock.advance(1_000);
    await running;
  });
}

const openings: [what: string, open: (provider: MemoryProvider) => void, close: (provider: MemoryProvider) => void][] =
  [
    ["opened to others", ({ files }) => files.chmod("/work", 0o777), ({ files }) => files.chmod("/work", 0o755)],
    [
      "in part given to somebody else",
      ({ files }) => files.chown("/work/return-requests", { uid: 1001, gid: 1001 }),
      ({ files }) => files.chown("/work/return-requests", files.user),
    ],
  ];
for (const [what, open, close] of openings) {
  Deno.test(`in a work directory that is ${what} while serve runs, nothing is done before that is over`, async () => {
    const { provider, kube, taken, running, stopping } = await serving();
    const { workdir, clock } = provider;
    open(provider);
    await clock.advance(2_000);
    assert.equal(taken.now, 0);
    assert.throws(() => status(provider), { message: /Cannot use the work directory/ });
    const asked = { id: "late", templateId: "T", count: 1, requestedAt: 1, manifest: JSON.stringify(manifest) };
    await addRequest(workdir, { ...asked, up: undefined }, atOnce);
    await addReturn(workdir, { id: "ret", machines: ["req-0"], unknown: [], requestedAt: 1 }, atOnce);
    const before = provider.files.tree("/work");
    await clock.advance(100_000);
    assert.deepEqual([...kube.pods.keys()].sort(), ["req-0", "req-1"]);
    assert.deepEqual(provider.files.tree("/work"), before);

    close(provider);
    await clock.advance(30_000);
    assert.deepEqual([...kube.pods.keys()].sort(), ["late-0", "req-1"]);
    stopping.abort();
    await clock.advance(1_000);
    await running;
  });
}

Deno.test("what its directories held of requests and pods is put back within seconds, though the view is still there", async () => {
  const { provider, kube, running, stopping } = await serving();
  const { files } = provider;
  await provider.clock.advance(700_000); // A list has named them.
  assert.equal(status(provider), "complete succeed succeed");
  for (const directory of ["requests", "pods", "pods-status"]) {
    for (const { name } of files.list(`/work/${directory}`)) files.removeTree(`/work/${directory}/${name}`);
  }
  await provider.clock.advance(10_000);
  assert.equal(status(provider), "complete succeed succeed");
  assert.equal(kube.named("createPod").length, 2, "no pod was created twice");
  stopping.abort();
  await provider.clock.advance(1_000);
  await running;
});

Deno.test("a backup that is copied over a request that was handled since holds no machine of it up for ever", async () => {
  const { provider, kube, running, stopping } = await serving();
  const { files } = provider;
  kube.pods.clear();
  for (const [path, target] of [["requests/req", ".manifest.json"], ["pods-status", "creating"]]) {
    for (const machine of ["req-0", "req-1"]) {
      files.remove(`/work/${path}/${machine}`);
      files.symlink(target ?? "", `/work/${path}/${machine}`);
    }
  }
  files.remove("/work/views/pods.json");
  await provider.clock.advance(10_000);
  assert.equal(status(provider), "complete_with_error fail fail");
  assert.equal(kube.named("createPod").length, 2, "no pod was created twice");
  stopping.abort();
  await provider.clock.advance(1_000);
  await running;
});

Deno.test("where the view of the nodes is broken, it is written again", async () => {
  const { provider, running, stopping } = await serving();
  provider.files.writeText("/work/views/nodes.json", "{");
  await provider.clock.advance(10_000);
  assert.ok(readSyncStatus(provider.workdir, "nodes"));
  stopping.abort();
  await provider.clock.advance(1_000);
  await running;
});

for (const text of [undefined, "{"]) {
  Deno.test(`machines of an earlier name stay though its note is ${text === undefined ? "lost" : "broken"}`, async () => {
    const { provider, kube, running, stopping } = await serving();
    stopping.abort();
    await provider.clock.advance(1_000);
    await running;
    for (const path of ["/work/instances.json", undefined]) {
      const stop = new AbortController();
      const locks = { take: () => () => {} };
      const holder = { host: "h", pid: 1, command: "serve", since: "" };
      const renaming = { ...options, instance: "new", acceptInstance: "new" };
      const renamed = serve({ ...provider, connect: () => kube, locks, holder }, renaming, stop.signal);
      await provider.clock.advance(10_000);
      assert.equal(status(provider), "complete succeed succeed");
      stop.abort();
      await provider.clock.advance(1_000);
      await renamed;
      if (path === undefined) return;
      if (text === undefined) provider.files.remove(path);
      else provider.files.writeText(path, text);
    }
  });
}

Deno.test("a work directory that is lost and cannot be made again is waited for", async () => {
  const { provider, running, stopping } = await serving();
  const { files, clock } = provider;
  files.removeTree("/work");
  files.failWhere(({ name, paths }) => name === "makeDirectory" && paths[0] === "/work/requests", notPermitted());
  await clock.advance(60_000);
  files.before = () => {};
  await clock.advance(20_000);
  assert.equal(status(provider), "complete succeed succeed");
  stopping.abort();
  await clock.advance(1_000);
  await running;
});

Deno.test("a daemon that is told to stop while it waits for its work directory stops", async () => {
  const { provider, running, stopping } = await serving();
  provider.files.removeTree("/work");
  provider.files.failWhere(({ name }) => name === "makeDirectory", notPermitted());
  let hasEnded = false;
  const ended = running.then(() => hasEnded = true);
  await provider.clock.advance(5_000);
  assert.equal(hasEnded, false, "it waits");
  stopping.abort();
  await settled();
  assert.equal(hasEnded, true);
  await ended;
});

Deno.test("that the cluster is away is recorded, though the lease cannot be renewed meanwhile", async () => {
  const provider = memoryProvider();
  const kube = new FakeKube(provider.clock);
  const holder = { host: "h", pid: 1, command: "serve", since: "" };
  const stopping = new AbortController();
  const daemon = { ...provider, connect: () => kube, locks: { take: () => () => {} }, holder, eventMetadata: {} };
  const running = serve(daemon, { ...options, watchTimeoutSeconds: 20 }, stopping.signal);
  await provider.clock.advance(2_000);
  for (const call of ["updateLease", "getLease", "listPods", "watchPods", "listNodes", "watchNodes"] as const) {
    kube.fail(call, new KubeError("unavailable", "gone fishing"));
  }
  await provider.clock.advance(60_000);
  const spool = provider.workdir.layout.events;
  const spooled = () =>
    provider.files.list(spool).map(({ name }) => provider.files.readText(`${spool}/${name}`)).join();
  assert.match(spooled(), /"status":"away","away_reason":"gone fishing"/);
  kube.recover();
  await provider.clock.advance(60_000);
  assert.match(spooled(), /"status":"back"/);
  stopping.abort();
  await provider.clock.runWhile(running);
});
