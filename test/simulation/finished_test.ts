/** What machines that have come to their end cost: operations on files are counted, for time tells little on busy machines. */
import assert from "node:assert/strict";
import { getRequestStatus } from "../../src/verbs/get_request_status.ts";
import { getReturnRequests } from "../../src/verbs/get_return_requests.ts";
import { requestMachines } from "../../src/verbs/request_machines.ts";
import { requestReturnMachines } from "../../src/verbs/request_return_machines.ts";
import { PodsWatcher } from "../../src/watchers/pods/watcher.ts";
import { RequestMachinesWatcher } from "../../src/watchers/requests/watcher.ts";
import { RequestReturnMachinesWatcher } from "../../src/watchers/returns/watcher.ts";
import { RetentionWatcher } from "../../src/watchers/gc/watcher.ts";
import { writeState, writeTombstone } from "../../src/workdir/machines.ts";
import { markProcessed, settleMachine } from "../../src/workdir/requests.ts";
import { addReturn, markReturnProcessed } from "../../src/workdir/returns.ts";
import { writeSyncStatus } from "../../src/workdir/index/sync_status.ts";
import { atOnce } from "../support/at_once.ts";
import { memoryProvider } from "../support/memory_provider.ts";
import { ask, type MemoryDependencies, memoryDependencies, ourPod, run } from "../support/memory_dependencies.ts";

/** One machine that is alive, and so many that are over and given back, each of a request of its own. */
async function furnished(finished: number): Promise<MemoryDependencies> {
  const dependencies = memoryDependencies();
  const { workdir, kube } = dependencies;
  for (let i = 0; i <= finished; i++) {
    const [id, name] = [i === 0 ? "alive" : `over${i}`, i === 0 ? "alive-0" : `over${i}-0`];
    await ask(dependencies, id, 1);
    settleMachine(workdir, id, name);
    await markProcessed(workdir, id);
    if (i === 0) continue;
    writeState(workdir, name, "deleted");
    writeTombstone(workdir, name, { up: true, returned: true, givenUp: false, message: "", uid: "u" });
    await addReturn(workdir, { id: `ret${i}`, machines: [name], unknown: [], requestedAt: 0 }, atOnce);
    await markReturnProcessed(workdir, `ret${i}`);
  }
  kube.put(ourPod("alive-0", { phase: "Running" }));
  return dependencies;
}

/** Counts what is done to files: each operation, and each entry of a directory that is listed. */
function count(dependencies: MemoryDependencies): () => number {
  const { files } = dependencies;
  const list = files.list.bind(files);
  let cost = 0;
  files.before = () => void cost++;
  files.list = (path) => {
    const entries = list(path);
    cost += entries.length;
    return entries;
  };
  return () => {
    const counted = cost;
    cost = 0;
    return counted;
  };
}

/** What `serve` does from its start on, until it has looked at everything. */
async function serve(dependencies: MemoryDependencies): Promise<void> {
  const pods = new PodsWatcher(dependencies, { wake: () => {}, changed: () => {} });
  const loops = [
    new RequestMachinesWatcher(dependencies, () => {}),
    new RequestReturnMachinesWatcher(dependencies, () => {}),
    pods,
  ];
  pods.begin();
  pods.page(structuredClone([...dependencies.kube.pods.values()]));
  pods.heard();
  pods.complete();
  for (const loop of loops) await run(loop, dependencies, 2_500);
  const limits = { retainSeconds: 604_800, retainMachines: 1_000_000 };
  await run(new RetentionWatcher(dependencies, limits), dependencies, 1_000);
}

Deno.test("a verb for one machine costs the same, however many have come to their end", async () => {
  const costs = await Promise.all([20, 400].map(async (finished) => {
    const dependencies = await furnished(finished);
    await serve(dependencies);
    const { clock, files } = dependencies;
    const now = Math.floor(clock.now() / 1000);
    writeSyncStatus(dependencies.workdir, "pods", { completeAt: now, heardAt: now });
    const spent = count(dependencies);
    const machines = { machines: [{ name: "alive-0" }] };
    const verbs = [
      () =>
        getRequestStatus(provider(), {
          requests: [{ requestId: "alive" }, { requestId: "over1" }, { requestId: "ret1" }],
        }),
      () => getReturnRequests(provider(), machines),
      () => getReturnRequests(provider(), { machines: [{ name: "over1-0" }] }),
      () => getReturnRequests(provider(), {}),
      () => requestMachines(provider(), { template: { templateId: "T", machineCount: 1 } }),
      () => requestReturnMachines(provider(), machines),
    ];
    let seed = 1;
    const provider = () => memoryProvider({ files, clock, seed: seed++ });
    const each: number[] = [];
    for (const verb of verbs) {
      await verb();
      each.push(spent());
    }
    return each;
  }));
  assert.deepEqual(costs[0], costs[1]);
});

Deno.test("a start of serve costs a few operations for each machine that has come to its end", async () => {
  const costs = await Promise.all([0, 1_000].map(async (finished) => {
    const dependencies = await furnished(finished);
    await serve(dependencies);
    const spent = count(dependencies);
    await serve({ ...memoryDependencies(), ...dependencies, returns: memoryDependencies(dependencies).returns });
    return spent();
  }));
  const each = ((costs[1] ?? 0) - (costs[0] ?? 0)) / 1_000;
  assert.ok(each < 27, `${each} operations for each`);
});
