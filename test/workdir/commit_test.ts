import assert from "node:assert/strict";
import type { NewEvent } from "../../src/events/types.ts";
import { seededRandom } from "../../src/random.ts";
import { type Change, commit } from "../../src/workdir/commit.ts";
import { readGone, writeGone } from "../../src/workdir/index/gone_machines.ts";
import { readState, readTombstone, writeState } from "../../src/workdir/machines.ts";
import { addRequest, readMachineEntry } from "../../src/workdir/requests.ts";
import { atOnce } from "../support/at_once.ts";
import { type CrashLeaves, noSpace } from "../support/memory_files.ts";
import { type MemoryProvider, memoryProvider } from "../support/memory_provider.ts";

const tombstone = { uid: "u", up: true, returned: false, givenUp: false, message: "why" };
const failed: Change = { state: "failed", tombstone, lasts: true, settles: true, pod: () => "the pod" };
const gone: Change = { state: "deleted", tombstone: { ...tombstone, returned: true }, lasts: false, pod: "gone" };

/** A request for three machines, all of it on the disk. */
async function furnished(): Promise<MemoryProvider> {
  const provider = memoryProvider();
  const request = { id: "req", templateId: "T", count: 3, requestedAt: 0, manifest: "{}" };
  await addRequest(provider.workdir, request, atOnce);
  for (const machine of ["req-0", "req-1", "req-2"]) writeState(provider.workdir, machine, "running");
  await provider.files.sync("/work/pods-status");
  return provider;
}

/** Commits these changes, whatever the work directory says. */
function commitAll(provider: MemoryProvider, changes: Record<string, Change>): Promise<Map<string, unknown>> {
  return commit(provider, Object.entries(changes).map(([machine, change]) => [machine, () => change]));
}

Deno.test("a change is written whole", async () => {
  const provider = await furnished();
  const { workdir, files } = provider;
  assert.deepEqual(await commitAll(provider, { "req-0": failed }), new Map());
  assert.equal(readState(workdir, "req-0"), "failed");
  assert.deepEqual(readTombstone(workdir, "req-0"), tombstone);
  assert.equal(readMachineEntry(workdir, "req-0"), "created");
  assert.equal(files.readText("/work/pods/req-0"), "the pod");
  await commitAll(provider, { "req-0": gone });
  assert.equal(readState(workdir, "req-0"), "deleted");
  assert.deepEqual(files.tree("/work/pods"), {}, "nothing is left of the file");
});

const leavings: [what: string, leaves: (seed: number) => CrashLeaves][] = [
  ["the process dies", () => "everything"],
  ["the power fails, and takes what was not synced", () => "synced"],
  ["the power fails, and takes texts that were not synced", () => "names"],
  ["the power fails, and takes anything that was not synced", seededRandom],
];
for (const [what, leaves] of leavings) {
  Deno.test(`a machine that is called failed has its tombstone, and is not to be created: ${what} at any moment`, async () => {
    for (const syncMs of [0, 40]) {
      for (let n = 0, isOver = false; !isOver; n++) {
        const provider = await furnished();
        const { files, clock } = provider;
        const before = files.writes.length;
        if (syncMs > 0) files.syncing = () => clock.sleep(syncMs);
        files.killAt(n);
        await clock.runWhile(commitAll(provider, { "req-0": failed, "req-1": failed }));
        isOver = files.writes.length - before <= n;
        for (let seed = 0; seed < 20; seed++) {
          const { workdir } = memoryProvider({ files: files.crash(leaves(seed)) });
          for (const machine of ["req-0", "req-1"]) {
            if (readState(workdir, machine) !== "failed") continue;
            assert.deepEqual(readTombstone(workdir, machine), tombstone, `${machine}, killed at ${n}`);
            assert.equal(readMachineEntry(workdir, machine), "created", `${machine}, killed at ${n}`);
          }
        }
      }
    }
  });
}

Deno.test("once it has resolved, what has to last does", async () => {
  const provider = await furnished();
  await commitAll(provider, { "req-0": failed });
  const { workdir } = memoryProvider({ files: provider.files.crash("synced") });
  assert.equal(readState(workdir, "req-0"), "failed");
  assert.deepEqual(readTombstone(workdir, "req-0"), tombstone);
});

Deno.test("no commit sees a half of another: each decides once all before it are done", async () => {
  const provider = await furnished();
  const { workdir, files, clock } = provider;
  files.syncing = () => clock.sleep(40);
  const seen: unknown[] = [];
  const look = () => {
    seen.push([readTombstone(workdir, "req-0")?.message, readState(workdir, "req-0")]);
    return undefined;
  };
  const all = [
    commit(provider, [["req-0", look]]),
    commitAll(provider, { "req-0": failed }),
    commit(provider, [["req-0", look]]),
  ];
  await clock.runWhile(Promise.all(all));
  assert.deepEqual(seen, [[undefined, "running"], ["why", "failed"]]);
});

Deno.test("what nothing is decided of is not touched", async () => {
  const provider = await furnished();
  const before = provider.files.writes.length;
  assert.deepEqual(await commit(provider, [["req-0", () => undefined]]), new Map());
  assert.equal(provider.files.writes.length, before);
});

Deno.test("seen gone is the last word, though it came while another was on its way", async () => {
  const provider = await furnished();
  const { workdir, files } = provider;
  files.before = ({ name, paths: [path] }) => {
    if (name === "sync" && path === "/work/machines") writeState(workdir, "req-0", "deleted");
  };
  await commitAll(provider, { "req-0": failed });
  assert.equal(readState(workdir, "req-0"), "deleted");
});

Deno.test("one machine's trouble is its own, whatever of it goes wrong", async () => {
  for (
    const path of ["/work/machines/req-1", "/work/pods/req-1", "/work/pods-status/req-1", "/work/requests/req/req-1"]
  ) {
    const provider = await furnished();
    const { workdir, files } = provider;
    const error = noSpace();
    files.failWhere(({ name, paths }) => name === "rename" && paths[1] === path, error);
    const changes = { "req-0": failed, "req-1": failed, "req-2": failed };
    assert.deepEqual(await commitAll(provider, changes), new Map([["req-1", error]]), path);
    const words = ["req-0", "req-1", "req-2"].map((machine) => readState(workdir, machine));
    assert.deepEqual(words, ["failed", "running", "failed"], path);
    files.before = () => {};
    assert.deepEqual(await commitAll(provider, changes), new Map(), "and may be repeated");
    assert.equal(readState(workdir, "req-1"), "failed");
  }
});

Deno.test("what cannot be decided is that machine's trouble, too", async () => {
  const provider = await furnished();
  const error = new Error("unreadable");
  const decide = () => {
    throw error;
  };
  assert.deepEqual(await commit(provider, [["req-0", decide], ["req-1", () => failed]]), new Map([["req-0", error]]));
  assert.equal(readState(provider.workdir, "req-1"), "failed");
});

for (const directory of ["machines", "requests/req", "pods-status"]) {
  Deno.test(`where '${directory}' cannot be synced, only those go on whose changes need not last`, async () => {
    const provider = await furnished();
    const error = noSpace();
    provider.files.failWhere(({ name, paths }) => name === "sync" && paths[0] === `/work/${directory}`, error);
    const running: Change = { state: "pending", lasts: false, pod: () => "it runs" };
    const wrong = await commitAll(provider, { "req-0": failed, "req-1": running });
    assert.deepEqual(wrong, new Map([["req-0", error]]));
    assert.equal(readState(provider.workdir, "req-1"), "pending");
    assert.equal(readState(provider.workdir, "req-0"), directory === "pods-status" ? "failed" : "running");
  });
}

Deno.test("who is lost is decided at the moment of writing: what was given back meanwhile is not", async () => {
  const provider = await furnished();
  const { workdir, files, clock } = provider;
  await writeGone(workdir, [], atOnce);
  let isGivenBack = false;
  files.syncing = async () => {
    await clock.sleep(40);
    isGivenBack = true;
  };
  await clock.runWhile(commitAll(provider, { "req-0": { ...gone, isLost: () => !isGivenBack } }));
  assert.deepEqual(readGone(workdir), []);
});

Deno.test("a commit of thousands lets others have their turns", async () => {
  const provider = memoryProvider();
  const { files, clock } = provider;
  files.before = ({ name }) => void (name === "rename" && clock.pass(1));
  const machines = Array.from({ length: 3_000 }, (_, i) => `req-${i}`);
  let [beats, longestMs, lastMs] = [0, 0, clock.monotonic()];
  const beat = () => {
    longestMs = Math.max(longestMs, clock.monotonic() - lastMs);
    lastMs = clock.monotonic();
    beats++;
    clock.after(5, beat);
  };
  beat();
  const running: Change = { state: "running", lasts: false, pod: () => "it runs" };
  await clock.runWhile(commit(provider, machines.map((machine) => [machine, () => running])));
  assert.ok(beats > 200, `${beats} beats`);
  assert.ok(longestMs < 50, `${longestMs} ms between two`);
});

/** Commits with an ear for events. @returns what was told, each as its words */
async function told(provider: MemoryProvider, changes: Record<string, Change>): Promise<unknown[]> {
  const events: NewEvent[] = [];
  const record = (some: readonly NewEvent[]) => void events.push(...some);
  const all = Object.entries(changes).map(([machine, change]) => [machine, () => change] as [string, () => Change]);
  await commit({ ...provider, events: { record } }, all);
  return events.map(({ category, id, pairs }) => [category, id, ...Object.values(pairs)]);
}

Deno.test("what happened to machines is told as events, once", async () => {
  const provider = await furnished();
  const news = [{ pairs: { status: "timeout" } as const }];
  assert.deepEqual(await told(provider, { "req-0": { ...failed, news }, "req-1": gone }), [
    ["pod", "req-0", "timeout"],
    ["pod", "req-0", "failed", "why"],
    ["pod", "req-1", "deleted"],
  ]);
  assert.deepEqual(await told(provider, { "req-0": failed, "req-1": { ...failed, lasts: false } }), []);
  const revived: Change = { state: "running", isRevived: true, tombstone: "none", lasts: false };
  assert.deepEqual(await told(provider, { "req-1": { ...revived, news: [{ pairs: { status: "created" } }] } }), [
    ["pod", "req-1", "created"],
  ]);
});

Deno.test("an event is told before what it tells of can be seen, so that none is missed where the process dies", async () => {
  const provider = await furnished();
  let before: string | undefined;
  const record = () => void (before = readState(provider.workdir, "req-0"));
  await commit({ ...provider, events: { record } }, [["req-0", () => failed]]);
  assert.equal(before, "running");
  assert.equal(readState(provider.workdir, "req-0"), "failed");
});
