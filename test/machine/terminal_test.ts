import assert from "node:assert/strict";
import { MACHINE_STATES } from "../../src/hf/status.ts";
import { isTerminal } from "../../src/machine/terminal.ts";

Deno.test("machines that succeeded, failed or were deleted have come to their end; no others", () => {
  assert.deepEqual(MACHINE_STATES.filter(isTerminal), ["succeeded", "failed", "deleted"]);
  assert.ok(!isTerminal(undefined));
});
