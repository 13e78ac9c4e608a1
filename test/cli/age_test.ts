import assert from "node:assert/strict";
import { ageText, agoText } from "../../src/cli/age.ts";

for (
  const [seconds, text] of [
    [0, "0s"],
    [-5, "0s"],
    [59.9, "59s"],
    [60, "1m"],
    [250, "4m10s"],
    [7_200, "2h"],
    [3_601, "1h"],
    [86_400 * 3 + 4 * 3_600 + 59, "3d4h"],
  ] as const
) {
  Deno.test(`${seconds} seconds are told as ${text}`, () => assert.equal(ageText(seconds), text));
}

Deno.test("what has no time is no time ago", () => {
  assert.equal(agoText(100, undefined), "-");
  assert.equal(agoText(100, 40), "1m");
});
