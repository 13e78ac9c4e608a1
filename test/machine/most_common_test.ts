import assert from "node:assert/strict";
import { mostCommon } from "../../src/machine/most_common.ts";

Deno.test("the text that most are, and of equally many the first", () => {
  assert.deepEqual(mostCommon(["a", "b", "b", "a", "c"]), { text: "a", count: 2 });
  assert.equal(mostCommon([]), undefined);
});

Deno.test("what happened on several nodes is one reason, and names the node of one alone", () => {
  const evicted = (node: string) => `Evicted: no memory (node ${node})`;
  const crashed = "container c: Error";
  assert.deepEqual(mostCommon([crashed, crashed, evicted("a"), evicted("b"), evicted("c")]), {
    text: "Evicted: no memory",
    count: 3,
  });
  assert.deepEqual(mostCommon([crashed, evicted("a"), evicted("a")]), { text: evicted("a"), count: 2 });
});
