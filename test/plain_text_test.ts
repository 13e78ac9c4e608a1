import assert from "node:assert/strict";
import { plainLine, plainText } from "../src/plain_text.ts";

/** Every character below U+10000 that may deceive a reader or drive a terminal. */
const special: [from: number, to: number, what: string][] = [
  [0x00, 0x09, "C0"],
  [0x0b, 0x1f, "C0"],
  [0x7f, 0x7f, "DEL"],
  [0x80, 0x9f, "C1"],
  [0x61c, 0x61c, "Arabic letter mark"],
  [0x200e, 0x200f, "left-to-right and right-to-left mark"],
  [0x2028, 0x2029, "line and paragraph separator"],
  [0x202a, 0x202e, "bidirectional embeddings and overrides"],
  [0x2066, 0x2069, "bidirectional isolates"],
  [0xd800, 0xdfff, "lone surrogates"],
];

Deno.test("exactly the special characters are written as escapes", () => {
  for (let code = 0; code <= 0xffff; code++) {
    const isSpecial = special.some(([from, to]) => code >= from && code <= to);
    const text = `a${String.fromCharCode(code)}b`;
    const escape = `a\\u${code.toString(16).padStart(4, "0")}b`;
    assert.equal(plainText(text), isSpecial ? escape : text, `U+${code.toString(16)}`);
  }
});

const texts: [text: string, plain: string][] = [
  ["", ""],
  ["Grüße, 世界 — 🎉…", "Grüße, 世界 — 🎉…"],
  ["\x1b[2K\x1b]0;title\x07", "\\u001b[2K\\u001b]0;title\\u0007"],
  ["\u202eevil\u202c", "\\u202eevil\\u202c"],
  ["\ud83c\udf89 and \ud83c alone, \udf89 too, \udf89\ud83c", "🎉 and \\ud83c alone, \\udf89 too, \\udf89\\ud83c"],
];
for (const [text, plain] of texts) {
  Deno.test(`${JSON.stringify(plain)} is what is written of such text`, () => {
    assert.equal(plainText(text), plain);
    assert.equal(plainLine(text), plain);
    assert.equal(plainText(plain), plain, "already plain: it stays as it is");
  });
}

Deno.test("newlines stay in a text, and become blanks in a line", () => {
  assert.equal(plainText("a\r\nb\n"), "a\\u000d\nb\n");
  assert.equal(plainLine("a\r\nb\n"), "a\\u000d b ");
});

Deno.test("plain JSON is JSON of the same value", () => {
  const every = String.fromCharCode(...Array.from({ length: 0x10000 }, (_, code) => code));
  for (const text of ["", "ASCII", "Grüße", "\x7f", "\x9b", "\u202e", every]) {
    const value = { [text]: [text, `\\${text}`, { n: 1 }] };
    const json = plainText(JSON.stringify(value, undefined, 4));
    assert.deepEqual(JSON.parse(json), value);
    assert.equal(plainText(json), json, "nothing is left to be written as an escape");
  }
});
