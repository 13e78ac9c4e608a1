import assert from "node:assert/strict";
import {
  isStatusWord,
  machineStatus,
  requestResult,
  requestStatus,
  STATUS_WORDS,
  type StatusWord,
} from "../../src/hf/status.ts";

/** The table of `interface.md`, "Status words to answers". */
const table: [word: StatusWord | undefined, status: string, result: string][] = [
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
  assert.deepEqual(table.flatMap(([word]) => word ?? []), [...STATUS_WORDS]);
});

Deno.test("only these words are words", () => {
  for (const word of STATUS_WORDS) assert.ok(isStatusWord(word));
  for (const word of ["", "Running", "gone", "toString"]) assert.ok(!isStatusWord(word));
});

for (
  const [results, status] of [
    [[], "complete"],
    [["succeed"], "complete"],
    [["succeed", "fail"], "complete_with_error"],
    [["fail"], "complete_with_error"],
    [["fail", "executing"], "running"],
    [["executing", "succeed"], "running"],
  ] as const
) {
  Deno.test(`a request of ${results.join(", ") || "nothing"} is ${status}`, () => {
    assert.equal(requestStatus(results), status);
  });
}
