import assert from "node:assert/strict";
import * as v from "valibot";
import { describeIssue } from "../../src/hf/issue.ts";

const schema = v.looseObject(
  { a: v.looseObject({ b: v.string("must be a string") }, "must be an object") },
  "must be an object",
);

for (
  const [value, described] of [
    [{}, { field: "a", fault: "is missing" }],
    [{ a: {} }, { field: "a.b", fault: "is missing" }],
    [{ a: { b: null } }, { field: "a.b", fault: "must be a string" }],
    [{ a: 1 }, { field: "a", fault: "must be an object" }],
    [undefined, { field: undefined, fault: "must be an object" }],
  ] as const
) {
  Deno.test(`of ${JSON.stringify(value)} it is said which field is wrong, and what is missing`, () => {
    const { issues } = v.safeParse(schema, value);
    assert.deepEqual(issues && describeIssue(issues[0]), described);
  });
}
