import assert from "node:assert/strict";
import fc from "fast-check";
import { cutText, tableText, wrapText } from "../../src/cli/layout.ts";

const text = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "-"), minLength: 1, maxLength: 12 }))
  .map((words) => words.join(" "));

Deno.test("wrapped text loses no word, breaks none, and fits where its words do", () => {
  fc.assert(fc.property(text, fc.integer({ min: 16, max: 40 }), (text, width) => {
    const wrapped = wrapText(text, { width, indent: "  " });
    assert.equal(wrapped.split(/\s+/).filter(Boolean).join(" "), text);
    for (const line of wrapped.trimEnd().split("\n")) assert.ok(line.length <= width, line);
  }));
});

Deno.test("further lines have an indent of their own", () => {
  assert.equal(wrapText("one two three", { width: 10, indent: "! ", hanging: "    " }), "! one two\n    three\n");
});

Deno.test("a table has columns as wide as they need, with numbers to the right", () => {
  const rows = [["NAME", "COUNT", "WHY"], ["a", "5", "x"], ["long", "10", "yy"]];
  assert.equal(tableText(rows), "NAME  COUNT  WHY\na         5  x\nlong     10  yy\n");
});

Deno.test("a number may be negative and have a fraction; an address is none", () => {
  const rows = [["ADDRESS", "SECONDS"], ["10.0.0.7", "-2.5"], ["10.0.0.11", "11"]];
  assert.equal(tableText(rows), "ADDRESS    SECONDS\n10.0.0.7      -2.5\n10.0.0.11       11\n");
});

Deno.test("what is not known in any row is no column of numbers", () => {
  const rows = [["NAME", "NODE", "COUNT"], ["a", "-", "-"], ["b", "-", "7"]];
  assert.equal(tableText(rows), "NAME  NODE  COUNT\na     -         -\nb     -         7\n");
});

Deno.test("lines that are too long for the terminal are cut, and show it", () => {
  assert.equal(tableText([["NAME", "WHY"], ["a", "no room at all"]], { width: 12 }), "NAME  WHY\na     no ro…\n");
  assert.equal(cutText("abc", 3), "abc");
  assert.equal(cutText("abcd", 3), "ab…");
});
