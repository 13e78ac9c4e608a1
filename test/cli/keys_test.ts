import assert from "node:assert/strict";
import { keysIn } from "../../src/cli/keys.ts";

Deno.test("what a terminal sends is taken apart into keys", () => {
  assert.deepEqual(keysIn("j\x1b[A\x1bOB\x1b[5~\r\x7f/ä\x03"), [
    "j",
    "up",
    "down",
    "page up",
    "enter",
    "backspace",
    "/",
    "ä",
    "interrupt",
  ]);
});

Deno.test("Escape by itself is a key, and sequences that are not known are none", () => {
  assert.deepEqual(keysIn("\x1b"), ["escape"]);
  assert.deepEqual(keysIn("\x1b[1;5Cq"), ["q"]);
});
