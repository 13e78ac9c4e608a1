import assert from "node:assert/strict";
import fc from "fast-check";
import { LineSplitter } from "../../../src/kube/transport/lines.ts";

Deno.test("lines come out whole, however the bytes are cut, and what is not kept may be written over", () => {
  const line = fc.string({ unit: "binary" }).filter((text) => !/[\n\uFEFF]/.test(text) && text.trim() !== "");
  fc.assert(fc.property(fc.array(line), fc.array(fc.nat({ max: 40 })), (lines, cuts) => {
    const bytes = new TextEncoder().encode(lines.map((one) => `${one}\n\n`).join(""));
    const splitter = new LineSplitter();
    const found: string[] = [];
    const buffer = new Uint8Array(bytes.length);
    for (let at = 0, cut = 0; at < bytes.length; cut++) {
      const length = Math.min(1 + (cuts[cut % (cuts.length || 1)] ?? 40), bytes.length - at);
      const chunk = buffer.subarray(0, length);
      chunk.set(bytes.subarray(at, at + length));
      found.push(...splitter.push(chunk));
      chunk.fill(0);
      at += length;
    }
    assert.deepEqual(found, lines);
    assert.ok(!splitter.unfinished);
  }));
});

Deno.test("what has no end yet is unfinished, unless it is blank", () => {
  for (const [text, unfinished] of [["a\nb", true], ["a\n \r", false], ["", false]] as const) {
    const splitter = new LineSplitter();
    splitter.push(new TextEncoder().encode(text));
    assert.equal(splitter.unfinished, unfinished);
  }
});

Deno.test("a line without an end is no line of an API server", () => {
  const splitter = new LineSplitter();
  const chunk = new Uint8Array(1024 * 1024).fill(97);
  for (let n = 0; n < 16; n++) splitter.push(chunk);
  assert.throws(() => splitter.push(chunk), { message: "The API server sent a line without an end" });
});
