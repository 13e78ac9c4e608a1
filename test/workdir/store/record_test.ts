import assert from "node:assert/strict";
import * as v from "valibot";
import { parseRecord, readRecord } from "../../../src/workdir/store/record.ts";
import { memoryProvider } from "../../support/memory_provider.ts";

Deno.test("a torn or foreign record is nothing", () => {
  const schema = v.object({ a: v.number() });
  assert.deepEqual(parseRecord(schema, '{"a":1,"b":2}'), { a: 1 });
  for (const text of ["", "{", '{"a":"1"}', "null"]) assert.equal(parseRecord(schema, text), undefined);
});

Deno.test("what lies in a record's place is nothing, is not followed, and counts as broken until it is right", () => {
  const { files, workdir } = memoryProvider();
  const schema = v.object({ a: v.number() });
  const path = workdir.layout.pod("m-0");
  const reasons = () => Array.from(workdir.broken.all.values(), ({ reason }) => reason);
  const put: [make: () => void, reason: RegExp][] = [
    [() => files.writeText(path, ""), /empty/],
    [() => files.writeText(path, '{"a":"1"}'), /does not hold/],
    [() => files.writeText(path, "x".repeat(20 * 1024 * 1024)), /20971520 bytes large/],
    [() => files.makeDirectory(path), /Is a directory/],
    [() => files.pipe(path), /a pipe/],
    [() => files.symlink("/conf/pod.json", path), /a symbolic link/],
    [() => files.symlink("m-0", path), /a symbolic link/],
  ];
  for (const [make, reason] of put) {
    make();
    assert.equal(readRecord(workdir, path, schema), undefined);
    assert.match(reasons().join(), reason);
    files.remove(path);
  }
  files.writeText(path, '{"a":1}');
  assert.deepEqual(readRecord(workdir, path, schema), { a: 1 });
  assert.deepEqual(reasons(), []);
});
