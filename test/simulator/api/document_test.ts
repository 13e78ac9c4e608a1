import assert from "node:assert/strict";
import type { Files } from "../../../src/files.ts";
import { readFaults, readStages } from "../../../src/simulator/api/document.ts";

function holding(text: string): Files {
  return { readText: () => text } as unknown as Files;
}

Deno.test("stages and faults are read from YAML and from JSON", async () => {
  const yaml = "stages:\n- name: quick\n  match: {phase: [Pending]}\n  next: {phase: Running}\n";
  assert.equal((await readStages(holding(yaml), "s.yaml"))[0]?.name, "quick");
  assert.deepEqual((await readFaults(holding('[{"name": "slow", "latencyMs": 3}]'), "f.json"))[0]?.name, "slow");
});

Deno.test("a file that is no YAML, or is not there, is named", async () => {
  await assert.rejects(readStages(holding("a: [b"), "s.yaml"), { message: /^Cannot read 's.yaml': / });
  const missing = {
    readText() {
      throw new Deno.errors.NotFound();
    },
  } as unknown as Files;
  await assert.rejects(readFaults(missing, "f.yaml"), { message: "Cannot read 'f.yaml'" });
});
