import assert from "node:assert/strict";
import type { MachineState } from "../../../src/hf/status.ts";
import { MachinesInUse } from "../../../src/workdir/index/machines_in_use.ts";
import type { Tombstone } from "../../../src/machine/tombstone.ts";
import { writeState, writeTombstone } from "../../../src/workdir/machines.ts";
import { addRequest, restoreRequest, settleMachine } from "../../../src/workdir/requests.ts";
import { addReturn } from "../../../src/workdir/returns.ts";
import { atOnce } from "../../support/at_once.ts";
import { existingIds, furnishExisting } from "../../support/legacy_workdir.ts";
import { MemoryFiles, notPermitted } from "../../support/memory_files.ts";
import { type MemoryProvider, memoryProvider } from "../../support/memory_provider.ts";

const FOUND = "/work/views/in-use.json";

async function ask({ workdir }: MemoryProvider, id: string, count: number, templateId = "T"): Promise<void> {
  await addRequest(workdir, { id, templateId, count, requestedAt: 0, manifest: "{}" }, atOnce);
}

async function giveBack({ workdir }: MemoryProvider, id: string, ...machines: string[]): Promise<void> {
  await addReturn(workdir, { id, machines, unknown: [], requestedAt: 0 }, atOnce);
}

const noManifest = () => undefined;

/** How many machines of a template a process finds in use that begins with what the one before it kept. */
function inUse(
  { workdir }: MemoryProvider,
  templateId = "T",
  templateOf: (path: string) => string | undefined = noManifest,
): number {
  const found = new MachinesInUse(workdir, templateOf);
  found.refresh();
  const most = found.most(templateId);
  found.look(new Set([templateId]));
  assert.ok(most >= found.most(templateId), "no look finds more");
  found.save();
  return found.most(templateId);
}

interface Machine {
  state?: MachineState;
  record?: Partial<Tombstone>;
  created?: boolean;
  returned?: boolean;
}

const table: [what: string, machine: Machine, counts: 0 | 1][] = [
  ["still to be created", { state: "creating" }, 1],
  ["still to be created, without a state", {}, 1],
  ["created, without a state", { created: true }, 1],
  ["created, not seen", { state: "creating", created: true }, 1],
  ["pending", { state: "pending", created: true }, 1],
  ["running", { state: "running", created: true }, 1],
  ["on a node that is lost, and may come back", { state: "unknown", created: true }, 1],
  ["succeeded", { state: "succeeded", created: true }, 0],
  ["failed", { state: "failed", created: true }, 0],
  ["deleted", { state: "deleted", created: true }, 0],
  ["given up, its state not written yet", { record: { givenUp: true } }, 0],
  ["given back before it was created", { state: "creating", returned: true }, 0],
  ["being given back", { state: "running", created: true, returned: true }, 0],
  ["given back and gone", { state: "deleted", created: true, returned: true }, 0],
];
for (const [what, { state, record, created, returned }, counts] of table) {
  Deno.test(`a machine that is ${what} ${counts ? "counts" : "does not count"}`, async () => {
    const provider = memoryProvider();
    const { workdir } = provider;
    await ask(provider, "req", 3);
    if (state) writeState(workdir, "req-1", state);
    if (created) settleMachine(workdir, "req", "req-1");
    if (record) {
      writeTombstone(workdir, "req-1", { up: false, returned: false, givenUp: false, message: "", ...record });
    }
    if (returned) await giveBack(provider, "ret", "req-1");
    for (const again of ["first", "second"]) assert.equal(inUse(provider), 2 + counts, `the ${again} time`);
  });
}

Deno.test("each template has its own", async () => {
  const provider = memoryProvider();
  await ask(provider, "one", 3);
  await ask(provider, "other", 5, "U");
  await ask(provider, "two", 2);
  assert.deepEqual(["T", "U", "V", ""].map((templateId) => inUse(provider, templateId)), [5, 5, 0, 0]);
});

Deno.test("what comes and goes between two processes is found", async () => {
  const provider = memoryProvider();
  const { workdir, files } = provider;
  await ask(provider, "one", 3);
  assert.equal(inUse(provider), 3);
  await ask(provider, "two", 2);
  writeState(workdir, "one-0", "failed");
  assert.equal(inUse(provider), 4);
  await giveBack(provider, "ret", "one-1", "two-0");
  assert.equal(inUse(provider), 2);
  writeState(workdir, "one-1", "deleted");
  writeState(workdir, "two-0", "deleted");
  assert.equal(inUse(provider), 2);
  files.removeTree("/work/return-requests/ret");
  assert.equal(inUse(provider), 2);
  files.removeTree("/work/requests/one");
  assert.equal(inUse(provider), 1);
});

Deno.test("a machine counts again whose return request was lost before it was durable", async () => {
  const provider = memoryProvider();
  await ask(provider, "req", 2);
  writeState(provider.workdir, "req-0", "running");
  await giveBack(provider, "ret", "req-0");
  assert.equal(inUse(provider), 1);
  provider.files.removeTree("/work/return-requests/ret");
  assert.equal(inUse(provider), 2);
});

Deno.test("a request that takes the id of one that is gone is counted again", async () => {
  const provider = memoryProvider();
  await ask(provider, "req", 2);
  writeState(provider.workdir, "req-0", "failed");
  assert.equal(inUse(provider), 1);
  for (const path of ["/work/requests/req", "/work/pods-status/req-0"]) provider.files.removeTree(path);
  assert.equal(inUse(provider), 0);
  await ask(provider, "req", 7, "U");
  assert.equal(inUse(provider), 0);
  assert.equal(inUse(provider, "U"), 7);
});

for (
  const text of [
    "",
    "{",
    "[]",
    '{"version":2,"requests":[],"over":["req"],"returns":[],"returned":[]}',
    '{"version":1,"requests":7}',
  ]
) {
  Deno.test(`where the file of what was found holds ${text || "nothing"}, everything is looked at again`, async () => {
    const provider = memoryProvider();
    await ask(provider, "req", 3);
    writeState(provider.workdir, "req-0", "failed");
    provider.files.writeText(FOUND, text);
    assert.equal(inUse(provider), 2);
    assert.equal(JSON.parse(provider.files.readText(FOUND)).version, 1);
  });
}

Deno.test("what an older process found is as right as what the last one did", async () => {
  const provider = memoryProvider();
  const { workdir, files } = provider;
  await ask(provider, "one", 3);
  inUse(provider);
  const old = files.readText(FOUND);
  await ask(provider, "two", 3);
  writeState(workdir, "one-0", "failed");
  await giveBack(provider, "ret", "one-1");
  const now = inUse(provider);
  files.writeText(FOUND, old);
  assert.equal(inUse(provider), now);
});

Deno.test("machines that are known to be over are not looked at again, nor what nothing has changed", async () => {
  const provider = memoryProvider();
  const { workdir, files } = provider;
  await ask(provider, "over", 50);
  await ask(provider, "part", 50);
  for (let i = 0; i < 50; i++) writeState(workdir, `over-${i}`, "deleted");
  for (let i = 0; i < 48; i++) writeState(workdir, `part-${i}`, "failed");
  await giveBack(provider, "ret", ...Array.from({ length: 50 }, (_, i) => `over-${i}`));
  assert.equal(inUse(provider), 2);
  const paths: string[] = [];
  files.before = (operation) => void paths.push(...operation.paths);
  assert.equal(inUse(provider), 2);
  assert.deepEqual(paths.filter((path) => !path.startsWith("/work/machines/")).sort(), [
    "/work/pods-status/part-48",
    "/work/pods-status/part-49",
    "/work/requests",
    "/work/return-requests",
    FOUND,
  ]);
});

Deno.test("requests of the legacy plug-in count for the template that their manifest is of, as long as it can be told", async () => {
  const files = new MemoryFiles();
  const provider = memoryProvider({ files });
  furnishExisting(files, "");
  await provider.workdir.prepare();
  const ofManifest = (path: string) => path === "/opt/hf/conf/pod.yaml" ? "T1" : undefined;
  assert.equal(inUse(provider, "T1", noManifest), 0);
  files.remove(FOUND);
  assert.equal(inUse(provider, "T1", ofManifest), 2);
  // It was told once: that the link is gone does not matter any more.
  for (const i of [0, 1]) settleMachine(provider.workdir, existingIds.notPickedUp, `${existingIds.notPickedUp}-${i}`);
  assert.equal(inUse(provider, "T1", ofManifest), 2);
});

Deno.test("a request that cannot be read holds up no other, and its machines count once it can", async () => {
  const provider = memoryProvider();
  const { workdir, files } = provider;
  await ask(provider, "one", 2);
  await ask(provider, "two", 3);
  writeState(workdir, "two-0", "running");
  await giveBack(provider, "ret", "two-0");
  files.failWhere(
    ({ name, paths }) => name === "readText" && paths[0] === "/work/requests/two/.request.json",
    notPermitted(),
  );
  assert.equal(inUse(provider), 2);
  files.failWhere(() => false, notPermitted());
  assert.equal(inUse(provider), 4);
});

Deno.test("a request that was lost counts again once it is put back, though its directory stayed", async () => {
  const provider = memoryProvider();
  provider.files.makeDirectory("/work/requests/req");
  assert.equal(inUse(provider), 0);
  const record = { templateId: "T", count: 2, requestedAt: 0 };
  await restoreRequest(provider.workdir, { id: "req", record, machines: ["req-0", "req-1"] }, atOnce);
  assert.equal(inUse(provider), 2);
});

Deno.test("a return request or a state that cannot be read gives no machine free", async () => {
  const provider = memoryProvider();
  const { workdir, files } = provider;
  await ask(provider, "req", 3);
  writeState(workdir, "req-0", "failed");
  writeState(workdir, "req-1", "running");
  await giveBack(provider, "ret", "req-1");
  const broken = ["/work/pods-status/req-0", "/work/return-requests/ret"];
  files.failWhere(({ paths }) => broken.includes(paths[0] ?? ""), notPermitted());
  assert.equal(inUse(provider), 3);
  files.failWhere(() => false, notPermitted());
  assert.equal(inUse(provider), 1);
});

Deno.test("what else lies among requests and return requests counts for nothing", async () => {
  const provider = memoryProvider();
  const { files } = provider;
  await ask(provider, "req", 2);
  await giveBack(provider, "ret", "req-0");
  files.writeText("/work/requests/file", "");
  files.writeText("/work/requests/README", "");
  files.makeDirectory("/work/requests/.new-1-1.bid");
  files.makeDirectory("/work/requests/empty");
  files.makeDirectory("/work/requests/UPPER");
  files.writeText("/work/requests/UPPER/.request.json", files.readText("/work/requests/req/.request.json"));
  files.writeText("/work/return-requests/file", "");
  files.writeText("/work/return-requests/ret/NOTES", "");
  files.writeText("/work/return-requests/ret/other-7", "");
  assert.equal(inUse(provider), 1);
});

Deno.test("machines that are being given back are looked at once, however many templates there are", async () => {
  const provider = memoryProvider();
  for (const templateId of ["T", "U", "V"]) await ask(provider, templateId.toLowerCase(), 2, templateId);
  for (const machine of ["t-0", "t-1", "u-0"]) writeState(provider.workdir, machine, "running");
  await giveBack(provider, "back", "t-0", "u-0");
  const found = new MachinesInUse(provider.workdir, noManifest);
  found.refresh();
  let looks = 0;
  provider.files.before = ({ name, paths }) => {
    if (name === "readLink" && paths[0] === "/work/pods-status/t-0") looks++;
  };
  found.look(new Set(["T", "U", "V"]));
  assert.deepEqual(["T", "U", "V"].map((templateId) => found.most(templateId)), [1, 1, 2]);
  assert.equal(looks, 2, "as one that is given back, and as one of its request");
});
