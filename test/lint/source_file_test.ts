import assert from "node:assert/strict";
import { named, SourceFile } from "../../src/lint/source_file.ts";

const yaml = `base: &base
  image: c:1
list:
  - <<: *base
    name: c
  - *base
"a.b": {c: 1}
`;
const source = new SourceFile("f", { text: yaml, value: undefined });

for (
  const [path, line, column] of [
    [[], 1, 1],
    [["base", "image"], 2, 3],
    [["list", 0], 4, 5],
    [["list", 0, "name"], 5, 5],
    [["list", 0, "image"], 4, 5],
    [["list", 1, "image"], 2, 3],
    [["a.b", "c"], 7, 9],
    [["a.b", "missing", "below"], 7, 1],
    [["list", 7], 3, 1],
  ] as const
) {
  Deno.test(`'${path.join("/")}' is at ${line}:${column}, or as close to it as the file goes`, () => {
    assert.deepEqual(source.positionOf(path), { line, column });
  });
}

Deno.test("a file that would take the parser too long has its findings at its top", () => {
  const text = "[".repeat(100_000) + "]".repeat(100_000);
  assert.deepEqual(new SourceFile("f", { text, value: [] }).positionOf([0, 0]), { line: 1, column: 1 });
  assert.deepEqual(new SourceFile("f", { text: "", value: undefined }).positionOf(["a"]), { line: 1, column: 1 });
});

Deno.test("a field is named as people write it", () => {
  assert.equal(named(["spec", "containers", 0, "image"]), "spec.containers[0].image");
  assert.equal(named([]), "it");
});
