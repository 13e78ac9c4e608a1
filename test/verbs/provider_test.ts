import assert from "node:assert/strict";
import { getRequestStatus } from "../../src/verbs/get_request_status.ts";
import { getReturnRequests } from "../../src/verbs/get_return_requests.ts";
import type { Provider } from "../../src/verbs/provider.ts";
import { requestMachines } from "../../src/verbs/request_machines.ts";
import { requestReturnMachines } from "../../src/verbs/request_return_machines.ts";
import { notPermitted } from "../support/memory_files.ts";
import { memoryProvider } from "../support/memory_provider.ts";

/** The verbs that something comes of only if a process serves the work directory, each with the message that it gives. */
const verbs: [name: string, ask: (provider: Provider) => Promise<string>][] = [
  ["request-machines", async (provider) => {
    const input = { template: { templateId: "T", machineCount: 1 } };
    return (await requestMachines(provider, input)).message ?? "";
  }],
  ["request-return-machines", async (provider) => {
    return (await requestReturnMachines(provider, { machines: [{ name: "req-0" }] })).message ?? "";
  }],
  ["get-request-status", async (provider) => {
    await requestMachines(provider, { template: { templateId: "T", machineCount: 1 } });
    return getRequestStatus(provider, { requests: [{ requestId: "req" }] }).requests[0]?.message ?? "";
  }],
  ["get-return-requests", (provider) => Promise.resolve(getReturnRequests(provider, {}).message ?? "")],
];

for (const [name, ask] of verbs) {
  Deno.test(`${name} says in its message, and to people, that no process serves the work directory`, async () => {
    const provider = memoryProvider({ requestId: "req" });
    const warned: string[] = [];
    provider.warn = (text) => void warned.push(text);
    const before = await ask(provider);
    assert.deepEqual(warned, [], before);
    for (const { name } of provider.files.list("/work/locks")) provider.files.remove(`/work/locks/${name}`);
    const after = await ask(provider);
    const doubt = "'/work' has not been served yet: start 'hostfactory serve' with this --workdir";
    assert.ok(after.endsWith(doubt), after);
    assert.ok(after.startsWith(before), "it says all else that it would say");
    assert.deepEqual([...new Set(warned)], [doubt]);
  });
}

Deno.test("an answer stands though it cannot be read whether the work directory is served", async () => {
  const provider = memoryProvider({ requestId: "req" });
  provider.files.failWhere(({ name, paths }) => name === "readText" && /locks/.test(paths[0] ?? ""), notPermitted());
  const { message } = await requestMachines(provider, { template: { templateId: "T", machineCount: 1 } });
  assert.equal(message, "Success");
});
