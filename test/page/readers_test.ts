import assert from "node:assert/strict";
import { Readers } from "../../src/page/readers.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const whole = () => bytes("whole");

async function next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { done, value } = await reader.read();
  return done ? "end" : new TextDecoder().decode(value);
}

Deno.test("a reader hears the whole picture first, then what is new", async () => {
  let came = 0;
  const readers = new Readers(() => came++);
  const first = readers.open()!.getReader();
  readers.tell(bytes("one"), { whole, nowMs: 0 });
  const second = readers.open()!.getReader();
  readers.tell(bytes("two"), { whole, nowMs: 0 });
  readers.tell(undefined, { whole, nowMs: 0 });
  assert.equal(came, 2);
  assert.deepEqual([await next(first), await next(first)], ["whole", "two"]);
  assert.equal(await next(second), "whole");
  readers.end();
  assert.equal(await next(first), "end");
  assert.equal(readers.size, 0);
});

Deno.test("nothing is kept for one that does not read: it gets the whole picture later, or is dropped", async () => {
  const readers = new Readers(() => {});
  const large = new Uint8Array(70_000);
  const slow = readers.open()!.getReader();
  readers.tell(undefined, { whole: () => large, nowMs: 0 });
  for (let nowMs = 1_000; nowMs < 20_000; nowMs += 1_000) readers.tell(bytes("news"), { whole, nowMs });
  assert.equal((await slow.read()).value?.length, 70_000);
  readers.tell(bytes("news"), { whole, nowMs: 20_000 });
  assert.equal(await next(slow), "whole");
  readers.tell(large, { whole, nowMs: 21_000 });
  readers.tell(bytes("news"), { whole, nowMs: 22_000 });
  assert.equal(readers.size, 1);
  readers.tell(bytes("news"), { whole, nowMs: 53_000 });
  assert.equal(readers.size, 0);
  await assert.rejects(slow.read(), /It does not read/);
});

Deno.test("one that goes is forgotten, and there are no more than can be borne", async () => {
  const readers = new Readers(() => {});
  const streams = Array.from({ length: 64 }, () => readers.open()!);
  assert.equal(readers.open(), undefined);
  await streams[0]?.cancel();
  assert.equal(readers.size, 63);
  assert.ok(readers.open());
  readers.end();
});
