import assert from "node:assert/strict";
import { explain as explainAny, unknownName } from "../../src/admin/explain.ts";
import type { Explanation } from "../../src/admin/explanation.ts";
import { podFileText } from "../../src/workdir/pod_file.ts";
import type { Pod, PodStatus } from "../../src/kube/types.ts";
import { writeCluster } from "../../src/workdir/cluster.ts";
import { writeState, writeTombstone } from "../../src/workdir/machines.ts";
import { addRequest, settleMachine } from "../../src/workdir/requests.ts";
import { addReturn } from "../../src/workdir/returns.ts";
import { writeDeletions } from "../../src/workdir/deletions.ts";
import { writeDepartures } from "../../src/workdir/departures.ts";
import { atOnce } from "../support/at_once.ts";
import { listed, type MemoryProvider, memoryProvider } from "../support/memory_provider.ts";

async function explain(provider: MemoryProvider, name: string): Promise<Explanation> {
  const explained = await explainAny(provider, name);
  assert.ok(explained);
  return explained;
}

/** A grid with the request `req` for three machines, a minute old. */
async function grid(): Promise<MemoryProvider & { now: number }> {
  const provider = memoryProvider();
  const { workdir, clock } = provider;
  const now = Math.floor(clock.now() / 1_000);
  await writeCluster(workdir, { server: "https://api:6443", namespace: "grid", authorities: [] });
  await addRequest(workdir, { id: "req", templateId: "T", count: 3, requestedAt: now - 60, manifest: "{}" }, atOnce);
  listed(provider);
  return { ...provider, now };
}

function iso(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}

function put(
  { workdir, files }: MemoryProvider,
  name: string,
  pod: { spec?: object; status?: object; at: number },
): void {
  const metadata = { name, uid: `uid-${name}`, creationTimestamp: iso(pod.at) };
  const spec = { containers: [], ...pod.spec } as Pod["spec"];
  files.writeText(workdir.layout.pod(name), podFileText({ metadata, spec, status: (pod.status ?? {}) as PodStatus }));
}

Deno.test("a machine that the cluster has no room for: since when, until when, whose matter, what to do", async () => {
  const provider = await grid();
  const { workdir, now } = provider;
  settleMachine(workdir, "req", "req-0");
  writeState(workdir, "req-0", "pending");
  const message = "0/4 nodes are available: 4 Insufficient cpu.";
  const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }];
  put(provider, "req-0", { at: now - 50, status: { phase: "Pending", conditions } });
  const { kind, now: how, matterOf, matter, waitsFor, until, timeline, next, doubt } = await explain(provider, "req-0");
  assert.deepEqual([kind, matterOf, doubt], ["machine", "cluster", undefined]);
  assert.equal(matter, "the cluster's: its room, quota, nodes or registry");
  assert.equal(waitsFor, `Unschedulable: ${message}`);
  assert.equal(how, `It waits: Unschedulable: ${message}`);
  assert.equal(until, now - 50 + 300);
  assert.deepEqual(timeline.map(({ at, what }) => [at - now, what]), [
    [-60, "Symphony asked for it"],
    [-50, "Its pod was created"],
  ]);
  assert.deepEqual(next.slice(0, 1), ["kubectl -n grid describe pod req-0"]);

  put(provider, "req-0", { at: now - 340, status: { phase: "Pending", conditions } });
  const late = await explain(provider, "req-0");
  assert.deepEqual([late.until, late.matterOf], [now - 40, "us"], "it should have been given up");
  assert.equal(late.now, how);
  writeDeletions(workdir, { at: now, count: 10, held: { count: 3, since: now - 20 } });
  assert.equal(
    (await explain(provider, "req-0")).now,
    `${how}. Not given up yet: 3 deletions are held for a second look: there were too many at once`,
  );
  await addReturn(workdir, { id: "ret", machines: ["req-0"], unknown: [], requestedAt: now }, atOnce);
  assert.equal((await explain(provider, "req-0")).matterOf, undefined, "what was given back is not given up");
});

Deno.test("a machine that is up, and whose container is started again and again, does not run", async () => {
  const provider = await grid();
  const { workdir, now } = provider;
  settleMachine(workdir, "req", "req-0");
  writeState(workdir, "req-0", "running");
  const waiting = { reason: "CrashLoopBackOff", message: "back-off 5m0s" };
  const containerStatuses = [{ name: "c", restartCount: 6, state: { waiting } }];
  put(provider, "req-0", { at: now - 50, status: { phase: "Running", containerStatuses } });
  const { now: how, matterOf, next } = await explain(provider, "req-0");
  assert.equal(how, "It is up, and does not run now: container c: CrashLoopBackOff: back-off 5m0s");
  assert.equal(matterOf, "template");
  assert.deepEqual(next.slice(0, 2), [
    "kubectl -n grid describe pod req-0",
    "kubectl -n grid logs req-0 --all-containers",
  ]);
});

Deno.test("events tell the life of a machine, and the work directory what they do not", async () => {
  const provider = await grid();
  const { workdir, files, now } = provider;
  writeTombstone(workdir, "req-1", {
    up: true,
    returned: false,
    givenUp: false,
    uid: "u",
    message: "The cluster took the pod away: Evicted",
  });
  writeState(workdir, "req-1", "deleted");
  const event = (timestamp: number, pairs: object) => ({ category: "pod", id: "req-1", timestamp, ...pairs });
  files.writeText(
    `${workdir.layout.events}/batch`,
    JSON.stringify([
      event(now - 40, { status: "scheduled" }),
      event(now - 40, { node_name: "n1" }),
      event(now - 30, { status: "running" }),
      event(now - 5, { status: "failed", failed_reason: "Evicted: low on memory" }),
    ]),
  );
  const { now: how, matterOf, timeline } = await explain(provider, "req-1");
  assert.equal(how, "It is gone: The cluster took the pod away: Evicted");
  assert.equal(matterOf, "cluster");
  assert.deepEqual(timeline.map(({ what, words }) => [what, words]), [
    ["Symphony asked for it", "request req of template T"],
    ["Its pod was given a node", "n1"],
    ["Its containers run", ""],
    ["It failed", "Evicted: low on memory"],
    ["It is gone", "The cluster took the pod away: Evicted"],
  ]);
});

Deno.test("a request tells how far it is, and what most of its machines wait for", async () => {
  const provider = await grid();
  const explained = await explain(provider, "req");
  assert.equal(
    explained.now,
    "0 of 3 machines are up or were given back, 3 wait: Its pod has not been created yet",
  );
  assert.equal(explained.waitsFor, "Its pod has not been created yet");
  assert.equal(explained.matterOf, "us");
  assert.equal(explained.facts["Symphony is told"], "running");
});

Deno.test("a request tells when the first and the last of its machines took each turn", async () => {
  const provider = await grid();
  const { workdir, files, now } = provider;
  const step = (index: number, status: string, timestamp: number) => ({
    category: "pod",
    id: `req-${index}`,
    timestamp,
    status,
  });
  const steps = [step(0, "created", now - 50), step(1, "created", now - 40), step(0, "running", now - 30)];
  const others = [step(0, "created", now - 5), step(0, "ready", now - 4), { ...step(7, "created", now - 90) }];
  files.writeText(`${workdir.layout.events}/batch`, JSON.stringify([...steps, ...others]));
  const { timeline } = await explain(provider, "req");
  assert.deepEqual(timeline.map(({ at, what }) => [at - now, what]), [
    [-60, "Symphony asked for the machines"],
    [-50, "The first of 2 got a pod"],
    [-40, "The last of 2 got a pod"],
    [-30, "1 began to run"],
  ]);
});

Deno.test("a return request tells how many of its machines are gone", async () => {
  const provider = await grid();
  const { workdir, now } = provider;
  await addReturn(workdir, { id: "ret", machines: ["req-0", "req-1"], unknown: [], requestedAt: now }, atOnce);
  const { kind, now: how, matterOf } = await explain(provider, "ret");
  assert.deepEqual([kind, how, matterOf], ["return request", "0 of 2 machines are gone, 2 are still there", undefined]);
  writeState(workdir, "req-0", "deleted");
  writeState(workdir, "req-1", "running");
  const { next } = await explain(provider, "ret");
  assert.equal(next[0], "hostfactory explain req-1", "the one that is still there");
});

Deno.test("a node tells which machines are on it, and whether it is about to go", async () => {
  const provider = await grid();
  const { workdir, now } = provider;
  writeState(workdir, "req-0", "running");
  put(provider, "req-0", { at: now, spec: { nodeName: "n1" }, status: { phase: "Running" } });
  writeDepartures(workdir, new Map([["n1", { uid: "n", reason: "being drained", goneAt: now + 60 }]]));
  const { kind, now: how, facts, until, matterOf } = await explain(provider, "n1");
  assert.deepEqual([kind, facts["machines"], until, matterOf], ["node", "1", now + 60, "cluster"]);
  assert.equal(how, "The node is about to go: it is being drained");
});

Deno.test("a name that nothing has is refused, with the nearest", async () => {
  const provider = await grid();
  assert.equal(await explainAny(provider, "rqe"), undefined);
  const unknown = unknownName(provider, "rqe");
  assert.match(unknown.message, /^Cannot explain 'rqe': /);
  assert.equal(unknown.hint, "did you mean 'req'?");
  for (const name of ["", "../x", ".hidden", "a\0b"]) assert.equal(await explainAny(provider, name), undefined);
});

Deno.test("while the directory is not served, that is what is wrong", async () => {
  const provider = await grid();
  provider.workdir.remove(provider.workdir.layout.lockHolder("pods"));
  const { matterOf, doubt, next } = await explain(provider, "req-0");
  assert.equal(matterOf, "us");
  assert.match(doubt ?? "", /has not been served yet/);
  assert.equal(next[0], "hostfactory serve --workdir /work");
});

Deno.test("events that cannot be read are no reason to tell nothing of a machine or a request", async () => {
  const provider = await grid();
  settleMachine(provider.workdir, "req", "req-0");
  provider.files.writeText(provider.workdir.layout.eventsDatabase, "none");
  for (const name of ["req-0", "req"]) {
    const { timeline, gap } = await explain(provider, name);
    assert.match(gap ?? "", /^Cannot read the events in '\/work\/events\.db': /, name);
    assert.deepEqual(timeline.map(({ at }) => at - provider.now), [-60], name);
  }
  await assert.rejects(explainAny(provider, "nosuch"), /Cannot read the events/, "it may well be known to them");
});
