import assert from "node:assert/strict";
import fc from "fast-check";
import { getReturnRequests } from "../../../src/verbs/get_return_requests.ts";
import { requestReturnMachines } from "../../../src/verbs/request_return_machines.ts";
import { podFileText } from "../../../src/workdir/pod_file.ts";
import { GoneMachines } from "../../../src/watchers/pods/gone_machines.ts";
import { PodsWatcher } from "../../../src/watchers/pods/watcher.ts";
import { RequestReturnMachinesWatcher } from "../../../src/watchers/returns/watcher.ts";
import { readGone, writeGone } from "../../../src/workdir/index/gone_machines.ts";
import { writeState, writeTombstone } from "../../../src/workdir/machines.ts";
import { settleMachine } from "../../../src/workdir/requests.ts";
import { atOnce } from "../../support/at_once.ts";
import { noSpace, notPermitted } from "../../support/memory_files.ts";
import { memoryProvider } from "../../support/memory_provider.ts";
import {
  ask,
  deleted,
  giveBack,
  type MemoryDependencies,
  memoryDependencies,
  ourPod,
  run,
} from "../../support/memory_dependencies.ts";

const ended = { up: true, returned: false, givenUp: false, message: "gone" };

/** Machines of each kind that are over, as another process left them. */
async function furnished(): Promise<MemoryDependencies> {
  const dependencies = memoryDependencies();
  const { workdir } = dependencies;
  for (const name of ["lost-0", "returned-0", "rejected-0", "existing-0", "broken-0", "forgotten-0"]) {
    writeState(workdir, name, "deleted");
  }
  writeTombstone(workdir, "lost-0", { ...ended, uid: "u" });
  writeTombstone(workdir, "returned-0", { ...ended, uid: "u" });
  writeTombstone(workdir, "rejected-0", { ...ended, up: false, givenUp: true });
  writeTombstone(workdir, "forgotten-0", ended);
  dependencies.files.makeDirectory("/work/machines/broken-0/directory");
  await giveBack(dependencies, "ret", "returned-0");
  return dependencies;
}

const over = ["lost-0", "returned-0", "rejected-0", "existing-0", "broken-0", "forgotten-0"];

Deno.test("lost are those that had a pod and were not given back, found out once", async () => {
  const dependencies = await furnished();
  const lost = new GoneMachines(dependencies);
  assert.equal(readGone(dependencies.workdir), undefined);
  lost.begin(over);
  await lost.write();
  assert.deepEqual(readGone(dependencies.workdir)?.sort(), ["broken-0", "existing-0", "forgotten-0", "lost-0"]);
  lost.begin([]);
  await lost.write();
  assert.equal(readGone(dependencies.workdir)?.length, 4);
});

Deno.test("what an earlier process kept is put right: what it missed, and what was given back since", async () => {
  const dependencies = await furnished();
  dependencies.files.makeDirectory("/work/lost");
  for (const name of ["returned-0", "past-0", "lost-0"]) dependencies.files.writeText(`/work/lost/${name}`, "");
  const lost = new GoneMachines(dependencies);
  lost.begin(over);
  await lost.write();
  assert.deepEqual(readGone(dependencies.workdir)?.sort(), ["broken-0", "existing-0", "forgotten-0", "lost-0"]);
});

for (const kept of [true, false]) {
  Deno.test(`a machine that a LIST does not name any more is lost, though it was not over when the LIST ended (${kept})`, async () => {
    const dependencies = await furnished();
    const { workdir, kube } = dependencies;
    if (kept) dependencies.files.makeDirectory("/work/lost");
    await ask(dependencies, "req", 2);
    for (const name of ["req-0", "req-1"]) {
      settleMachine(workdir, "req", name);
      writeState(workdir, name, "running");
      dependencies.files.writeText(`/work/pods/${name}`, podFileText(ourPod(name, { phase: "Running" })));
    }
    const pods = new PodsWatcher(dependencies, { wake: () => {}, changed: () => {} });
    pods.begin();
    pods.page([kube.put(ourPod("req-0", { phase: "Running" }))]);
    pods.heard();
    pods.complete();
    await run(pods, dependencies, 5_000);
    assert.deepEqual(readGone(workdir)?.sort(), ["broken-0", "existing-0", "forgotten-0", "lost-0", "req-1"]);
  });
}

Deno.test("what cannot be written is written later, and until then no one counts on it", async () => {
  const dependencies = await furnished();
  const lost = new GoneMachines(dependencies);
  lost.begin(over);
  dependencies.files.failWhere(({ name }) => name === "rename", noSpace());
  await assert.rejects(() => lost.write());
  assert.equal(readGone(dependencies.workdir), undefined);
  dependencies.files.before = () => {};
  await lost.write();
  assert.equal(readGone(dependencies.workdir)?.length, 4);
});

type Deed = "up" | "gone" | "going" | "return" | "restart" | "follow";

Deno.test("whatever happens, who asks for all machines is told the same as if every machine were looked at", async () => {
  const deed = fc.tuple(
    fc.constantFrom<Deed>("up", "gone", "going", "return", "restart", "follow"),
    fc.integer({ min: 0, max: 4 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 25 }), async (deeds) => {
      const dependencies = memoryDependencies();
      const { workdir, kube, files, clock } = dependencies;
      await ask(dependencies, "req", 5);
      for (let i = 0; i < 5; i++) settleMachine(workdir, "req", `req-${i}`);
      let pods = begin(dependencies);
      let returned = new RequestReturnMachinesWatcher(dependencies, () => {});
      for (const [what, i] of deeds) {
        const name = `req-${i}`;
        const pod = kube.pods.get(name);
        if (what === "up" && !pod) pods.event("ADDED", kube.put(ourPod(name, { phase: "Running" })));
        if (what === "gone" && pod) {
          kube.pods.delete(name);
          pods.event("DELETED", deleted(structuredClone(pod)));
        }
        if (what === "going" && pod) {
          pod.metadata.deletionTimestamp = "2026-11-20T01:00:00Z";
          pods.event("MODIFIED", structuredClone(pod));
        }
        if (what === "return") {
          await requestReturnMachines(memoryProvider({ files, clock, seed: deeds.length }), { machines: [{ name }] });
        }
        if (what === "restart") {
          pods = begin(dependencies);
          returned = new RequestReturnMachinesWatcher(dependencies, () => {});
        }
        if (what === "follow") {
          const before = new Set(kube.pods.keys());
          await run(returned, dependencies, 1_000);
          for (const gone of before) {
            if (!kube.pods.has(gone)) pods.event("DELETED", ourPod(gone, { phase: "Running" }));
          }
        }
        pods.heard();
        await run(pods, dependencies, 2_500);
        const all = () =>
          getReturnRequests(memoryProvider({ files, clock }), {}).requests.map(({ machine }) => machine).sort();
        const kept = all();
        files.rename("/work/lost", "/work/.lost");
        const searched = all();
        files.rename("/work/.lost", "/work/lost");
        assert.deepEqual(kept, searched);
      }
    }),
    { numRuns: 100, seed: 1 },
  );
});

function begin(dependencies: MemoryDependencies): PodsWatcher {
  const pods = new PodsWatcher(dependencies, { wake: () => {}, changed: () => {} });
  pods.begin();
  pods.page(structuredClone([...dependencies.kube.pods.values()]));
  pods.heard();
  pods.complete();
  return pods;
}

Deno.test("what Symphony gives back is lost no more from that moment on, also where the verb could not note that", async () => {
  const dependencies = memoryDependencies();
  const { workdir, files, clock } = dependencies;
  await writeGone(workdir, ["a-0", "a-1", "a-2"], atOnce);
  for (const name of ["a-0", "a-1"]) writeState(workdir, name, "deleted");
  await requestReturnMachines(memoryProvider({ files, clock }), { machines: [{ name: "a-0" }] });
  assert.deepEqual(readGone(workdir)?.sort(), ["a-1", "a-2"]);
  files.failWhere(({ name, paths }) => name === "remove" && paths[0] === "/work/lost/a-1", notPermitted());
  await requestReturnMachines(memoryProvider({ files, clock, seed: 2 }), { machines: [{ name: "a-1" }] });
  assert.deepEqual(readGone(workdir)?.sort(), ["a-1", "a-2"]);
  files.before = () => {};
  await run(new RequestReturnMachinesWatcher(dependencies, () => {}), dependencies, 1_000);
  assert.deepEqual(readGone(workdir), ["a-2"]);
  assert.deepEqual(workdir.names("/work/returning"), []);
});
