import assert from "node:assert/strict";
import { addRequest } from "../../src/workdir/requests.ts";
import { addReturn, markReturnProcessed, readReturn } from "../../src/workdir/returns.ts";
import { atOnce } from "../support/at_once.ts";
import { existingIds, furnishExisting } from "../support/legacy_workdir.ts";
import { memoryProvider } from "../support/memory_provider.ts";

const request = { id: "ret", machines: ["a-0", "b-7"], unknown: ["stranger"], requestedAt: 1_795_000_000 };

Deno.test("a return request is a directory with an empty file for each machine, and a record of those never issued", async () => {
  const { files, workdir } = memoryProvider();
  await addReturn(workdir, { ...request, machines: ["a-0", "b-7", "a-0"] }, atOnce);
  assert.deepEqual(files.tree("/work/return-requests"), {
    "ret/.request.json": '{"version":1,"requestedAt":1795000000,"unknown":["stranger"]}\n',
    "ret/a-0": "",
    "ret/b-7": "",
  });
});

Deno.test("a return request is read as it was added, and is handled once that was noted", async () => {
  const { workdir } = memoryProvider();
  await addReturn(workdir, request, atOnce);
  const stored = readReturn(workdir, "ret");
  assert.deepEqual(stored?.machines.sort(), ["a-0", "b-7"]);
  assert.deepEqual(stored.record?.unknown, ["stranger"]);
  assert.equal(stored.processed, false);
  await markReturnProcessed(workdir, "ret");
  assert.equal(readReturn(workdir, "ret")?.processed, true);
});

Deno.test("one that is not there is nothing", () => {
  assert.equal(readReturn(memoryProvider().workdir, "none"), undefined);
});

Deno.test("the same return request again is the same, in whatever order, known or not by now", async () => {
  const { files, workdir } = memoryProvider();
  await addReturn(workdir, request, atOnce);
  const before = files.tree("/work");
  await addReturn(workdir, { ...request, machines: ["b-7", "a-0"] }, atOnce);
  await addReturn(workdir, { ...request, machines: ["b-7"], unknown: ["stranger", "a-0"] }, atOnce);
  assert.deepEqual(files.tree("/work"), before);
});

for (const other of [{ machines: ["a-0"] }, { unknown: [] }, { machines: ["a-0", "b-7", "c-1"] }]) {
  Deno.test(`the same id for other machines is an error and changes nothing: ${JSON.stringify(other)}`, async () => {
    const { files, workdir } = memoryProvider();
    await addReturn(workdir, request, atOnce);
    const before = files.tree("/work");
    await assert.rejects(
      () => addReturn(workdir, { ...request, ...other }, atOnce),
      /taken by a return request for other machines/,
    );
    assert.deepEqual(files.tree("/work"), before);
  });
}

Deno.test("the id of a request for machines is taken", async () => {
  const { workdir } = memoryProvider();
  await addRequest(workdir, { id: "ret", templateId: "T", count: 1, requestedAt: 0, manifest: "{}" }, atOnce);
  await assert.rejects(() => addReturn(workdir, request, atOnce), /taken by a request for machines/);
});

Deno.test("the same machine in two return requests is in both", async () => {
  const { workdir } = memoryProvider();
  await addReturn(workdir, { ...request, machines: ["a-0"] }, atOnce);
  await addReturn(workdir, { ...request, id: "again", machines: ["a-0"] }, atOnce);
  assert.deepEqual(readReturn(workdir, "again")?.machines, ["a-0"]);
});

Deno.test("a return request of the legacy plug-in is read, without a record", () => {
  const { files, workdir } = memoryProvider();
  furnishExisting(files, "");
  assert.deepEqual(readReturn(workdir, existingIds.return), {
    id: existingIds.return,
    record: undefined,
    machines: ["caklqmeteuqr-0"],
    processed: true,
  });
});
