import assert from "node:assert/strict";
import * as v from "valibot";
import { parseRecord } from "../../src/workdir/record.ts";

Deno.test("a torn or foreign record is nothing", () => {
  const schema = v.object({ a: v.number() });
  assert.deepEqual(parseRecord(schema, '{"a":1,"b":2}'), { a: 1 });
  for (const text of ["", "{", '{"a":"1"}', "null"]) assert.equal(parseRecord(schema, text), undefined);
});
