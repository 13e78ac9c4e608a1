import assert from "node:assert/strict";
import { tellGathered } from "../../src/log.ts";
import { FailureLog } from "../../src/workdir/failure_log.ts";
import { addRequest } from "../../src/workdir/requests.ts";
import { captureLog } from "../support/captured_log.ts";
import { atOnce } from "../support/at_once.ts";
import { memoryProvider } from "../support/memory_provider.ts";

Deno.test("machines that failed are told by template and reason, however many commits wrote that down", async () => {
  const { workdir } = memoryProvider();
  using log = captureLog();
  for (const [id, templateId] of [["aaaaaaaa", "small"], ["bbbbbbbb", "large"]] as const) {
    await addRequest(workdir, { id, templateId, count: 2, requestedAt: 0, manifest: "{}" }, atOnce);
  }
  for (const machine of ["aaaaaaaa-0", "aaaaaaaa-1", "bbbbbbbb-0", "cccccccc-0"]) {
    new FailureLog(workdir).note(machine, `pods "${machine}" is forbidden: used: pods=4${machine.at(-1)}`);
  }
  assert.deepEqual(log.lines, []);
  tellGathered({ isEnd: true });
  assert.deepEqual(log.lines, [
    'warning machines: Machines failed machines=2 template=small reason="pods \\"…\\" is forbidden: used: pods=40" first=aaaaaaaa-0',
    'warning machines: Machines failed machines=1 template=large reason="pods \\"bbbbbbbb-0\\" is forbidden: used: pods=40" ' +
    "first=bbbbbbbb-0",
    'warning machines: Machines failed machines=1 reason="pods \\"cccccccc-0\\" is forbidden: used: pods=40" first=cccccccc-0',
  ]);
});
