import assert from "node:assert/strict";
import fc from "fast-check";
import { pathOf, pointerTo } from "../../src/lint/finding.ts";

Deno.test("a JSON pointer leads back to its path, whatever the keys", () => {
  assert.equal(pointerTo(["a/b", "m~n", 0]), "/a~1b/m~0n/0");
  fc.assert(fc.property(fc.array(fc.string()), (path) => assert.deepEqual(pathOf(pointerTo(path)), path)));
});
