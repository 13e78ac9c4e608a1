import assert from "node:assert/strict";
import { epochSeconds } from "../../src/clock.ts";
import type { NewEvent } from "../../src/events/types.ts";
import { requestReturnMachines } from "../../src/verbs/request_return_machines.ts";
import { addRequest } from "../../src/workdir/requests.ts";
import { atOnce } from "../support/at_once.ts";
import { type CrashLeaves, Killed, MemoryFiles, noSpace, notPermitted } from "../support/memory_files.ts";
import { listed, type MemoryProvider, memoryProvider } from "../support/memory_provider.ts";

/** A provider that issued `req-0` to `req-2`, of which `req-2` has a pod with the uid `u2`, and that knows every pod. */
async function issued(options: { requestId?: string } = {}): Promise<MemoryProvider> {
  const provider = memoryProvider(options);
  await addRequest(provider.workdir, { id: "req", templateId: "T", count: 3, requestedAt: 0, manifest: "{}" }, atOnce);
  provider.files.writeText("/work/pods/req-2", JSON.stringify({ metadata: { name: "req-2", uid: "u2" } }));
  listed(provider);
  return provider;
}

/** What the one return request holds: its machines, and those that were never issued. */
function recorded(provider: MemoryProvider, id: string): { machines: string[]; unknown: string[] } {
  const tree = provider.files.tree(`/work/return-requests/${id}`);
  const { unknown } = JSON.parse(tree[".request.json"] ?? "");
  return { machines: Object.keys(tree).filter((name) => !name.startsWith(".")), unknown };
}

const cases: [what: string, machines: unknown, machinesRecorded: string[], unknown: string[]][] = [
  ["by name", [{ name: "req-0" }, { name: "req-1", machineId: "other" }], ["req-0", "req-1"], []],
  ["one bare object", { name: "req-0" }, ["req-0"], []],
  ["by id where there is no name", [{ machineId: "u2" }, { name: "", machineId: "u2" }], ["req-2"], []],
  ["the same twice", [{ name: "req-0" }, { name: "req-0" }], ["req-0"], []],
  ["one of no request here", [{ name: "req-0" }, { name: "lost-1" }], ["lost-1", "req-0"], []],
  ["one beyond the request", [{ name: "req-3" }], [], ["req-3"]],
  ["an unknown id", [{ machineId: "u9" }], [], ["u9"]],
  ["neither name nor id", [{}], [], ["(no name)"]],
  ["a name that is a path", [{ name: "../../etc/passwd" }, { name: ".request.json" }], [], [
    "../../etc/passwd",
    ".request.json",
  ]],
  ["none", [], [], []],
];
for (const [what, machines, machinesRecorded, unknown] of cases) {
  Deno.test(`machines are returned: ${what}`, async () => {
    const provider = await issued();
    const { requestId, message } = await requestReturnMachines(provider, { machines });
    assert.deepEqual(recorded(provider, requestId), { machines: machinesRecorded, unknown });
    for (const name of unknown) assert.ok(message.includes(`'${name}'`), message);
  });
}

Deno.test("a machine of which only a state or a pod is left was issued", async () => {
  const provider = await issued();
  provider.files.symlink("running", "/work/pods-status/old-0");
  provider.files.writeText("/work/pods/old-1", "{}");
  const { requestId } = await requestReturnMachines(provider, { machines: [{ name: "old-0" }, { name: "old-1" }] });
  assert.deepEqual(recorded(provider, requestId), { machines: ["old-0", "old-1"], unknown: [] });
});

Deno.test("the same machine can be returned twice, in two requests", async () => {
  const provider = await issued();
  for (let times = 0; times < 2; times++) {
    const { requestId } = await requestReturnMachines(provider, { machines: [{ name: "req-0" }] });
    assert.deepEqual(recorded(provider, requestId).machines, ["req-0"]);
  }
});

Deno.test("with an id of its own the same return is the same again; another is an error", async () => {
  const provider = await issued({ requestId: "mine" });
  const ask = (name: string) => requestReturnMachines(provider, { machines: [{ name }] });
  const first = await ask("req-0");
  const before = provider.files.tree("/work");
  assert.deepEqual(await ask("req-0"), first);
  await assert.rejects(() => ask("req-1"), /'mine': it is taken/);
  assert.deepEqual(provider.files.tree("/work"), before);
});

Deno.test("a question that cannot be read leaves nothing behind", async () => {
  const provider = await issued();
  const before = provider.files.tree("/work");
  for (const input of [{}, { machines: "req-0" }, { machines: ["req-0"] }, null]) {
    await assert.rejects(() => requestReturnMachines(provider, input), { name: "HostFactoryError" });
  }
  assert.deepEqual(provider.files.tree("/work"), before);
});

const question = { machines: [{ name: "req-0" }, { name: "req-2" }, { name: "req-9" }] };

for (const error of [noSpace(), notPermitted()]) {
  Deno.test(`whichever write fails, the return request is whole or not there: ${error.message}`, async () => {
    for (let n = 0;; n++) {
      const provider = await issued({ requestId: "ret" });
      const before = provider.files.writes.length;
      provider.files.failWrite(n, error);
      const answered = await answers(provider);
      assertWhole(provider.files, answered, `write ${n} failed`);
      assert.deepEqual(Object.keys(provider.files.tree("/work")).filter((path) => path.includes(".new-")), []);
      if (provider.files.writes.length - before <= n) break;
    }
  });
}

for (const leaves of ["everything", "synced", "names"] as const) {
  Deno.test(`crashed at any operation, the return request is whole or not there; once answered it is there (${leaves})`, async () => {
    assert.ok(await crashEverywhere(leaves) > 5);
  });
}

async function crashEverywhere(leaves: CrashLeaves): Promise<number> {
  for (let n = 0;; n++) {
    const provider = await issued({ requestId: "ret" });
    for (const path of ["req/.request.json", "req/.manifest.json", "req", ""]) {
      await provider.files.sync(`/work/requests/${path}`);
    }
    provider.files.killAt(n);
    const answered = await answers(provider);
    assertWhole(provider.files.crash(leaves), answered, `killed at ${n}`);
    if (answered) return n;
  }
}

async function answers(provider: MemoryProvider): Promise<boolean> {
  try {
    await requestReturnMachines(provider, question);
    return true;
  } catch {
    return false;
  }
}

function assertWhole(files: MemoryFiles, answered: boolean, when: string): void {
  if (!files.list("/work/return-requests").some(({ name }) => name === "ret")) {
    return assert.ok(!answered, `${when}: it was answered, and is not there`);
  }
  assert.deepEqual(files.tree("/work/return-requests/ret"), {
    ".request.json": `{"version":1,"requestedAt":${Date.UTC(2026, 10, 20) / 1000},"unknown":["req-9"]}\n`,
    "req-0": "",
    "req-2": "",
  }, when);
}

Deno.test("answered again, a return request is durable, though whoever put it there died before it was", async () => {
  const provider = await issued({ requestId: "ret" });
  let dead = false;
  provider.files.before = ({ name, paths }) => {
    dead ||= name === "sync" && paths[0] === "/work/return-requests";
    if (dead) throw new Killed();
  };
  await assert.rejects(() => requestReturnMachines(provider, { machines: [{ name: "req-0" }] }));
  provider.files.before = () => {};
  await requestReturnMachines(provider, { machines: [{ name: "req-0" }] });
  assert.equal(provider.files.crash("synced").info("/work/return-requests/ret").kind, "directory");
});

Deno.test("while the cluster has not been listed, a machine of a request that lost all its files may have been issued", async () => {
  const provider = memoryProvider();
  provider.files.makeDirectory("/work/requests/req");
  const { requestId } = await requestReturnMachines(provider, { machines: [{ name: "req-0" }] });
  assert.deepEqual(recorded(provider, requestId), { machines: ["req-0"], unknown: [] });
});

Deno.test("machines that are given back are told as events, those that were never issued are not", async () => {
  const told: NewEvent[] = [];
  const events = { record: (some: readonly NewEvent[]) => void told.push(...some) };
  const machines = [{ name: "req-0" }, { name: "req-1" }, { name: "req-9" }];
  const provider = { ...await issued({ requestId: "ret" }), events };
  const at = epochSeconds(provider.clock.now());
  await requestReturnMachines(provider, { machines });
  const pairs = { status: "returned", return_id: "ret" };
  assert.deepEqual(told, [
    { category: "return", id: "ret", pairs: { count: 2 }, at },
    { category: "pod", id: "req-0", pairs, at },
    { category: "pod", id: "req-1", pairs, at },
  ]);
  const before = told.splice(0);
  provider.clock.pass(10_000);
  await requestReturnMachines(provider, { machines });
  assert.deepEqual(told, before, "asked again, it is the same");
});
