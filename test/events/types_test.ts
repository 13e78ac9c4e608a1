import assert from "node:assert/strict";
import { EVENT_TYPES } from "../../src/events/types.ts";
import { readFromTree } from "../support/tree.ts";

Deno.test("the table of docs/events.md is the list of the source", () => {
  const [, text = ""] = readFromTree("docs/events.md").split("\n## What is recorded\n");
  const rows = text.split("\n## ")[0]?.split("\n").filter((line) => line.startsWith("|")).slice(2) ?? [];
  const shown = rows.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", "")));
  const listed = EVENT_TYPES.map((
    row,
  ) => [row.category, row.type, "value" in row ? row.value : "", row.unit, row.by, row.when]);
  assert.deepEqual(shown, listed);
});

Deno.test("every event type is listed once", () => {
  const names = EVENT_TYPES.map((row) => `${row.category} ${row.type} ${"value" in row ? row.value : ""}`);
  assert.equal(new Set(names).size, names.length);
});
