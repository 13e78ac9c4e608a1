import assert from "node:assert/strict";
import { EndlessList, listPages } from "../../src/kube/list_pages.ts";
import type { ListOptions, Source } from "../../src/kube/kube.ts";

const { signal } = new AbortController();

/** A source whose pages are named by their tokens, and the tokens that it was asked for. */
function sourceOf(next: (token: string | undefined) => string | undefined) {
  const asked: (string | undefined)[] = [];
  const source: Pick<Source<string>, "list"> = {
    list: ({ continueToken }: ListOptions) => {
      asked.push(continueToken);
      const token = next(continueToken);
      const metadata = { resourceVersion: "7", ...(token === undefined ? {} : { continue: token }) };
      return Promise.resolve({ metadata, items: [continueToken ?? "first"] });
    },
  };
  return { source: source as Source<string>, asked };
}

Deno.test("a list is read page by page, to its end", async () => {
  const { source } = sourceOf((token) => token === undefined ? "a" : token === "a" ? "b" : undefined);
  const pages = await Array.fromAsync(listPages(source, { signal, limit: 1 }));
  assert.deepEqual(pages.flatMap(({ items }) => items), ["first", "a", "b"]);
});

Deno.test("a list that repeats a continue token has no end, and is given up", async () => {
  const { source, asked } = sourceOf((token) => token === "a" ? "b" : asked.length > 100 ? undefined : "a");
  await assert.rejects(Array.fromAsync(listPages(source, { signal, limit: 1 })), EndlessList);
  assert.deepEqual(asked, [undefined, "a", "b"]);
});
