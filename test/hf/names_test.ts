import assert from "node:assert/strict";
import fc from "fast-check";
import { isRequestId, machineName, newRequestId, parseMachineName } from "../../src/hf/names.ts";
import { seededRandom } from "../../src/random.ts";

Deno.test("a fresh id is 12 characters, a letter first, and can be an id", () => {
  const random = seededRandom(1);
  const ids = new Set(Array.from({ length: 1_000 }, () => newRequestId(random)));
  assert.equal(ids.size, 1_000);
  for (const id of ids) {
    assert.match(id, /^[a-z][a-z0-9]{11}$/);
    assert.ok(isRequestId(id));
  }
});

for (const id of ["a", "0", "caklqmeteuqr", "my-request-7", "x".repeat(56)]) {
  Deno.test(`'${id}' can be a request id`, () => assert.ok(isRequestId(id)));
}

const impossible = [
  "",
  "-a",
  "a-",
  "A",
  "a_b",
  "a.b",
  "a/b",
  "..",
  ".",
  ".a",
  "a\0b",
  "a b",
  "a\n",
  "é",
  "x".repeat(57),
];
for (const id of impossible) {
  Deno.test(`${JSON.stringify(id)} cannot be a request id`, () => assert.ok(!isRequestId(id)));
}

Deno.test("a machine's name gives back its request and index", () => {
  const id = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,54}[a-z0-9])?$/);
  fc.assert(fc.property(id, fc.integer({ min: 0, max: 999_999 }), (requestId, index) => {
    const name = machineName(requestId, index);
    assert.ok(name.length <= 63);
    assert.deepEqual(parseMachineName(name), { requestId, index });
  }));
});

for (
  const name of [
    "",
    "a",
    "-0",
    "a-",
    "a-x",
    "a-01",
    "a--1x",
    "A-0",
    "../a-0",
    "a/b-0",
    ".a-0",
    "a-0\n",
    "a-1.5",
    `${"x".repeat(57)}-0`,
    `a-${"9".repeat(70)}`,
  ]
) {
  Deno.test(`${JSON.stringify(name)} is no machine that we can have named`, () => {
    assert.equal(parseMachineName(name), undefined);
  });
}
