import assert from "node:assert/strict";
import { noteHolder } from "../../../src/workdir/store/lock_holder.ts";
import {
  doubtPods,
  doubtSyncStatus,
  readSyncStatus,
  SYNC_LIFETIME_SECONDS,
  writeSyncStatus,
} from "../../../src/workdir/index/sync_status.ts";
import { memoryProvider } from "../../support/memory_provider.ts";

Deno.test("a view is read as it was written; none or a torn one is none", () => {
  const { files, workdir } = memoryProvider();
  assert.equal(readSyncStatus(workdir, "pods"), undefined);
  writeSyncStatus(workdir, "pods", { completeAt: 5, heardAt: 7 });
  assert.deepEqual(readSyncStatus(workdir, "pods"), { completeAt: 5, heardAt: 7 });
  writeSyncStatus(workdir, "pods", { completeAt: 5, heardAt: 7, clusterAheadSeconds: -3 });
  assert.deepEqual(readSyncStatus(workdir, "pods"), { completeAt: 5, heardAt: 7, clusterAheadSeconds: -3 });
  files.writeText("/work/views/pods.json", "{");
  assert.equal(readSyncStatus(workdir, "pods"), undefined);
});

Deno.test("a view whose times are no numbers that an answer could hold is none", () => {
  const { files, workdir } = memoryProvider();
  writeSyncStatus(workdir, "pods", { completeAt: 5, heardAt: 7, clusterAheadSeconds: -3 });
  const text = files.readText("/work/views/pods.json");
  files.writeText("/work/views/pods.json", text.replace("-3", "-1e999"));
  assert.equal(readSyncStatus(workdir, "pods"), undefined);
});

Deno.test("a view that came with a copy of its work directory is none, nor is one that was written for what was replaced", async () => {
  const { files, workdir } = memoryProvider();
  writeSyncStatus(workdir, "pods", { completeAt: 5, heardAt: 7 });
  files.putBack("/work", files.copy("/work"));
  assert.equal(readSyncStatus(workdir, "pods"), undefined);
  writeSyncStatus(workdir, "pods", { completeAt: 5, heardAt: 8 });
  assert.equal(readSyncStatus(workdir, "pods"), undefined);
  await workdir.prepare();
  writeSyncStatus(workdir, "pods", { completeAt: 5, heardAt: 9 });
  assert.deepEqual(readSyncStatus(workdir, "pods"), { completeAt: 5, heardAt: 9 });
});

const now = 1_795_000_000;
for (
  const [age, doubt] of [
    [0, undefined],
    [1, undefined],
    [SYNC_LIFETIME_SECONDS, undefined],
    [SYNC_LIFETIME_SECONDS + 1, /last heard from 121 s ago/],
    [86_400, /last heard from 86400 s ago/],
    [-SYNC_LIFETIME_SECONDS, undefined],
    [-SYNC_LIFETIME_SECONDS - 1, /121 s in the future.*clocks/],
  ] as const
) {
  Deno.test(`a view that was heard from ${age} s ago is ${doubt ? "not believed, and it is said why" : "believed"}`, () => {
    // How long ago it was complete does not matter: the watch has kept it up since.
    const said = doubtSyncStatus({ completeAt: now - 900_000, heardAt: now - age }, now);
    if (doubt) assert.match(said ?? "", doubt);
    else assert.equal(said, undefined);
  });
}

Deno.test("no view is not believed, and it is said what to do", () => {
  assert.match(doubtSyncStatus(undefined, now) ?? "", /not been listed yet: start 'hostfactory serve'/);
});

Deno.test("that a request was never issued is known only while no other directory can have had the lease", () => {
  const { clock, workdir } = memoryProvider();
  const nowMs = clock.now();
  const at = Math.floor(nowMs / 1000);
  writeSyncStatus(workdir, "pods", { completeAt: at, heardAt: at });
  workdir.makeDirectory(workdir.layout.requests);
  const noted = (agoMs: number, standby?: string) => {
    const seenAt = new Date(nowMs - agoMs).toISOString();
    const holder = { host: "h", pid: 1, command: "serve", since: seenAt, seenAt };
    noteHolder(workdir, "pods", { ...holder, ...(standby === undefined ? {} : { standby }) });
    return doubtPods(workdir, nowMs);
  };
  assert.equal(noted(5_000), undefined);
  assert.equal(noted(13_000), undefined);
  assert.match(noted(13_001) ?? "", /created from another work directory lately/);
  assert.match(noted(0, "it was stopped") ?? "", /created from another work directory lately/);
});
