import assert from "node:assert/strict";
import fc from "fast-check";
import { formatPointer, parsePointer } from "../src/json_pointer.ts";

Deno.test("a pointer has the parts that it was made of, whatever they hold", () => {
  fc.assert(fc.property(fc.array(fc.string()), (parts) => assert.deepEqual(parsePointer(formatPointer(parts)), parts)));
  assert.equal(formatPointer(["a/b", "m~n", 0]), "/a~1b/m~0n/0");
  assert.deepEqual(parsePointer("/~01"), ["~1"]);
  assert.deepEqual(parsePointer(""), []);
});
