import assert from "node:assert/strict";
import { mostCommon } from "../../src/machine/most_common.ts";

Deno.test("the text that most are, and of equally many the first", () => {
  assert.deepEqual(mostCommon(["a", "b", "b", "a", "c"]), { text: "a", count: 2 });
  assert.equal(mostCommon([]), undefined);
});
