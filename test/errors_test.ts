import assert from "node:assert/strict";
import { describeError, ExitCode, HostFactoryError } from "../src/errors.ts";

Deno.test("an error exits with 1 unless it says otherwise", () => {
  assert.equal(new HostFactoryError("x").exitCode, ExitCode.failure);
  assert.equal(new HostFactoryError("x", { exitCode: ExitCode.locked }).exitCode, 3);
});

Deno.test("an error keeps its cause, and has none where none was given", () => {
  const cause = new Error("below");
  assert.equal(new HostFactoryError("x", { cause }).cause, cause);
  assert.ok(!("cause" in new HostFactoryError("x")));
});

const described: [what: unknown, text: string][] = [
  [new HostFactoryError("Cannot do it"), "Cannot do it"],
  [new HostFactoryError("Cannot do it", { hint: "try again" }), "Cannot do it (try again)"],
  [new TypeError("odd"), "odd"],
  ["a string", "a string"],
  [undefined, "undefined"],
];
for (const [what, text] of described) {
  Deno.test(`whatever was thrown is described: '${text}'`, () => assert.equal(describeError(what), text));
}

for (
  const [said, told] of [
    ["Permission denied (os error 13): writefile '/x'", "Permission denied: '/x'"],
    ["Connection refused (os error 111)", "Connection refused"],
    ["No such file or directory (os error 2): rename '/a' -> '/b'", "No such file or directory: '/a' -> '/b'"],
  ] as const
) {
  Deno.test(`the words of the runtime do not reach people: '${said}'`, () => {
    assert.equal(describeError(new Error(said)), told);
    assert.equal(new HostFactoryError(`Cannot: ${said}`).message, `Cannot: ${told}`);
  });
}
