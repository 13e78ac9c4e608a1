import assert from "node:assert/strict";
import {
  isMachineState,
  MACHINE_STATES,
  type MachineResult,
  type MachineState,
  machineStatus,
  requestResult,
  requestStatus,
} from "../../src/hf/status.ts";

/** The table of `interface.md`, "Status words to answers". */
const table: [word: MachineState | undefined, status: string, result: string][] = [
  ["creating", "running", "executing"],
  ["pending", "running", "executing"],
  ["running", "running", "succeed"],
  ["succeeded", "terminated", "succeed"],
  ["failed", "terminated", "fail"],
  ["unknown", "terminated", "fail"],
  ["deleted", "terminated", "fail"],
  [undefined, "terminated", "fail"],
];
for (const [word, status, result] of table) {
  Deno.test(`a machine with ${word ? `the word '${word}'` : "no word"} is ${status}, its request says ${result}`, () => {
    assert.equal(machineStatus(word), status);
    assert.equal(requestResult(word), result);
  });
}

Deno.test("the table has a row for every word", () => {
  assert.deepEqual(table.flatMap(([word]) => word ?? []), [...MACHINE_STATES]);
});

Deno.test("only these words are words", () => {
  for (const word of MACHINE_STATES) assert.ok(isMachineState(word));
  for (const word of ["", "Running", "gone", "toString"]) assert.ok(!isMachineState(word));
});

const requests: [results: MachineResult[], status: string, lenient?: string][] = [
  [[], "complete"],
  [["succeed"], "complete"],
  [["succeed", "fail"], "complete_with_error", "complete"],
  [["fail", "succeed", "fail"], "complete_with_error", "complete"],
  [["fail"], "complete_with_error"],
  [["fail", "fail"], "complete_with_error"],
  [["fail", "executing"], "running"],
  [["executing", "succeed"], "running"],
  [["succeed", "fail", "executing"], "running"],
];
for (const [results, status, lenient = status] of requests) {
  const whatever = lenient === status ? ", whatever a partial failure is called" : ` or, where wanted, ${lenient}`;
  Deno.test(`a request of ${results.join(", ") || "nothing"} is ${status}${whatever}`, () => {
    assert.equal(requestStatus(results, "complete_with_error"), status);
    assert.equal(requestStatus(results, "complete"), lenient);
  });
}
