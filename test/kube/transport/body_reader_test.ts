import assert from "node:assert/strict";
import { BodyReader } from "../../../src/kube/transport/body_reader.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Of the network's kind, which fills the buffer that its reader brings along; or of any other. */
function bodyOf(chunks: string[], isBytes: boolean): ReadableStream<Uint8Array> {
  const left = [...chunks];
  const pull = (controller: ReadableStreamDefaultController<Uint8Array> | ReadableByteStreamController) => {
    const next = left.shift();
    if (next !== undefined) return controller.enqueue(bytes(next));
    controller.close();
    if ("byobRequest" in controller) controller.byobRequest?.respond(0);
  };
  return isBytes ? new ReadableStream({ type: "bytes", pull }) : new ReadableStream({ pull });
}

for (const isBytes of [true, false]) {
  const kind = isBytes ? "of bytes" : "of anything";
  Deno.test(`a stream ${kind} is read to its end, one after the other and two at a time`, async () => {
    for (let round = 0; round < 3; round++) {
      const readers = ["one", "two"].map((name) => new BodyReader(bodyOf([`${name} `, "x".repeat(100_000)], isBytes)));
      const texts = ["", ""];
      for (let isMore = true; isMore;) {
        isMore = false;
        for (const [i, reader] of readers.entries()) {
          const chunk = await reader.read();
          texts[i] += new TextDecoder().decode(chunk);
          isMore ||= chunk !== undefined;
        }
      }
      assert.deepEqual(texts.map((text) => [text.slice(0, 4), text.length]), [["one ", 100_004], ["two ", 100_004]]);
    }
  });

  Deno.test(`a stream ${kind} that is cancelled ends what is being read`, async () => {
    const reader = new BodyReader(new ReadableStream(isBytes ? { type: "bytes" } : {}));
    const read = reader.read();
    await reader.cancel();
    assert.equal(await read, undefined);
    assert.equal(await reader.read(), undefined);
  });
}
