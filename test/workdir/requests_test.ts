import assert from "node:assert/strict";
import {
  addRequest,
  draftRequest,
  isProcessed,
  markProcessed,
  readMachineEntry,
  readManifest,
  readRequest,
  settleMachine,
} from "../../src/workdir/requests.ts";
import { addReturn } from "../../src/workdir/returns.ts";
import { atOnce } from "../support/at_once.ts";
import { existingIds, furnishExisting } from "../support/legacy_workdir.ts";
import { memoryProvider } from "../support/memory_provider.ts";

const request = { id: "req", templateId: "T", count: 3, requestedAt: 1_795_000_000, manifest: '{"kind":"Pod"}' };

Deno.test("a request is a directory with a link for each machine, a record and the manifest", async () => {
  const { files, workdir } = memoryProvider();
  await addRequest(workdir, request, atOnce);
  assert.deepEqual(files.tree("/work/requests"), {
    "req/.manifest.json": '{"kind":"Pod"}\n',
    "req/.request.json": '{"version":1,"templateId":"T","count":3,"requestedAt":1795000000}\n',
    "req/req-0": "-> .manifest.json",
    "req/req-1": "-> .manifest.json",
    "req/req-2": "-> .manifest.json",
  });
});

Deno.test("a request is read as it was added, its machines in order and pending", async () => {
  const { workdir } = memoryProvider();
  await addRequest(workdir, { ...request, count: 12 }, atOnce);
  const stored = readRequest(workdir, "req");
  assert.equal(stored?.record?.count, 12);
  assert.equal(stored.processed, false);
  assert.deepEqual(
    stored.machines,
    Array.from({ length: 12 }, (_, index) => ({
      name: `req-${index}`,
      index,
      pending: true,
    })),
  );
  assert.equal(readManifest(workdir, "req", "req-0"), `${request.manifest}\n`);
});

Deno.test("a machine that was settled is pending no more, its request handled once that was noted", async () => {
  const { workdir } = memoryProvider();
  await addRequest(workdir, request, atOnce);
  settleMachine(workdir, "req", "req-1");
  assert.deepEqual(readRequest(workdir, "req")?.machines.map(({ pending }) => pending), [true, false, true]);
  assert.equal(isProcessed(workdir, "req"), false);
  await markProcessed(workdir, "req");
  assert.equal(isProcessed(workdir, "req"), true);
  assert.equal(readRequest(workdir, "req")?.processed, true);
});

Deno.test("a request that is not there is nothing, whatever else has its name", () => {
  const { files, workdir } = memoryProvider();
  files.writeText("/work/requests/file", "");
  assert.equal(readRequest(workdir, "none"), undefined);
  assert.equal(readRequest(workdir, "file"), undefined);
});

Deno.test("the same request again is the same: nothing changes", async () => {
  const { files, workdir } = memoryProvider();
  await addRequest(workdir, request, atOnce);
  settleMachine(workdir, "req", "req-1");
  const before = files.tree("/work");
  await addRequest(workdir, { ...request, requestedAt: 1_795_000_999, manifest: '{"kind":"Pod","edited":1}' }, atOnce);
  assert.deepEqual(files.tree("/work"), before);
});

for (const [what, other] of [["count", { count: 4 }], ["template", { templateId: "U" }]] as const) {
  Deno.test(`the same id with another ${what} is an error that says what has it, and changes nothing`, async () => {
    const { files, workdir } = memoryProvider();
    await addRequest(workdir, request, atOnce);
    const before = files.tree("/work");
    await assert.rejects(
      () => addRequest(workdir, { ...request, ...other }, atOnce),
      /'req': it is taken by a request for 3 machine\(s\) of template 'T'/,
    );
    assert.deepEqual(files.tree("/work"), before);
  });
}

Deno.test("the id of a return request is taken", async () => {
  const { files, workdir } = memoryProvider();
  await addReturn(workdir, { id: "req", machines: ["a-0"], unknown: [], requestedAt: 0 }, atOnce);
  const before = files.tree("/work");
  await assert.rejects(() => addRequest(workdir, request, atOnce), /taken by a return request/);
  assert.deepEqual(files.tree("/work"), before);
});

for (const [what, count, ok] of [["the same", 3, true], ["another", 4, false]] as const) {
  Deno.test(`${what} request that was published between our look and our rename is ${ok ? "ours" : "an error"}`, async () => {
    const { files, workdir } = memoryProvider();
    const other = await draftRequest(memoryProvider({ files, seed: 2 }).workdir, request, atOnce);
    files.before = ({ name }) => {
      if (name !== "rename") return;
      files.before = () => {};
      void other.place();
    };
    const add = () => addRequest(workdir, { ...request, count }, atOnce);
    if (ok) await add();
    else await assert.rejects(add, /taken by a request for 3/);
    assert.equal(readRequest(workdir, "req")?.machines.length, 3);
    assert.deepEqual(Object.keys(files.tree("/work/requests")).filter((path) => path.includes(".new-")), []);
  });
}

Deno.test("entries that were lost count as pending until the request has been handled, and from then on no entry does", async () => {
  const { files, workdir } = memoryProvider();
  await addRequest(workdir, request, atOnce);
  settleMachine(workdir, "req", "req-0");
  files.remove("/work/requests/req/req-1");
  const pending = () => readRequest(workdir, "req")?.machines.map((machine) => machine.pending);
  assert.deepEqual(pending(), [false, true, true]);
  await markProcessed(workdir, "req");
  assert.deepEqual(pending(), [false, false, false]);
  assert.equal(readMachineEntry(workdir, "req-2"), "created");
});

Deno.test("entries that are no machines of the request are not its machines", async () => {
  const { files, workdir } = memoryProvider();
  await addRequest(workdir, request, atOnce);
  for (const name of ["other-0", "req-x", "README", "req-01", "req-3", ".new-1-1"]) {
    files.writeText(`/work/requests/req/${name}`, "");
  }
  const names = () => readRequest(workdir, "req")?.machines.map(({ name }) => name);
  assert.deepEqual(names(), ["req-0", "req-1", "req-2"]);
  await markProcessed(workdir, "req");
  assert.deepEqual(names(), ["req-0", "req-1", "req-2"]);
});

for (const text of ["", "{", "[]", '{"version":2,"templateId":"T","count":3,"requestedAt":1}', '{"version":1}']) {
  Deno.test(`a request whose record is ${text || "empty"} is read by its entries`, async () => {
    const { files, workdir } = memoryProvider();
    await addRequest(workdir, request, atOnce);
    files.writeText("/work/requests/req/.request.json", text);
    const stored = readRequest(workdir, "req");
    assert.equal(stored?.record, undefined);
    assert.equal(stored?.machines.length, 3);
  });
}

Deno.test("requests of the legacy plug-in are read: handled, and pending with a manifest by link", () => {
  const { files, workdir } = memoryProvider();
  furnishExisting(files, "");
  const handled = readRequest(workdir, existingIds.running);
  assert.equal(handled?.processed, true);
  assert.equal(handled.record, undefined);
  assert.deepEqual(handled.machines.map(({ pending }) => pending), [false, false, false]);
  const waiting = readRequest(workdir, existingIds.notPickedUp);
  assert.deepEqual(waiting?.machines.map(({ name, pending }) => [name, pending]), [
    ["gheem5cprggn-0", true],
    ["gheem5cprggn-1", true],
  ]);
  assert.match(readManifest(workdir, existingIds.notPickedUp, "gheem5cprggn-0"), /image: symphony/);
});
