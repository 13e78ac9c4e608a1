import assert from "node:assert/strict";
import { isOlder } from "../../src/kube/resource_version.ts";

Deno.test("versions are compared as numbers, and what is no number is not older", () => {
  assert.equal(isOlder("9", "10"), true);
  assert.equal(isOlder("10", "9"), false);
  assert.equal(isOlder("10", "10"), false);
  for (const [version, known] of [["9", undefined], [undefined, "9"], ["a", "9"], ["9", "b"]]) {
    assert.equal(isOlder(version, known), false);
  }
});
