import assert from "node:assert/strict";
import { HostFactoryError } from "../../src/errors.ts";
import { Page } from "../../src/page/page.ts";
import { Readers } from "../../src/page/readers.ts";

const readers = new Readers(() => {});
const page = new Page({
  load: () => Promise.resolve({ html: "<!doctype html>", scriptHash: "abc=", styleHash: "def=" }),
  readers,
  explain(name) {
    if (name === "locked") return Promise.reject(new HostFactoryError("Cannot read the events"));
    const explained = { kind: "machine", name, now: "It runs", facts: {}, timeline: [], next: [] };
    return Promise.resolve(name === "one-0" ? explained : undefined);
  },
});

async function ask(path: string, headers: Record<string, string> = {}) {
  const host = "127.0.0.1:8080";
  const response = await page.answer(new Request(`http://${host}${path}`, { headers: { host, ...headers } }));
  return response && { status: response.status, headers: response.headers, response };
}

Deno.test("the page is for browsers, under a policy that lets nothing in", async () => {
  const shown = await ask("/", { accept: "text/html,*/*" });
  assert.equal(await shown?.response.text(), "<!doctype html>");
  const policy = shown?.headers.get("content-security-policy") ?? "";
  for (
    const part of ["default-src 'none'", "script-src 'sha256-abc='", "frame-ancestors 'none'", "form-action 'none'"]
  ) {
    assert.ok(policy.includes(part), part);
  }
  assert.equal(policy.includes("unsafe"), false);
  for (const other of ["/", "/metrics", "/pages"]) assert.equal(await ask(other, { accept: "*/*" }), undefined, other);
});

Deno.test("what it shows is for the page itself, and for what is no browser", async () => {
  const stream = async (headers: Record<string, string>) => {
    const asked = await ask("/page/stream", headers);
    await asked?.response.body?.cancel();
    return asked?.status;
  };
  const own = { origin: "http://127.0.0.1:8080", "sec-fetch-site": "same-origin" };
  for (const headers of [{}, own, { "sec-fetch-site": "none" }]) assert.equal(await stream(headers), 200);
  for (
    const headers of [
      { origin: "http://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      {
        "sec-fetch-site": "same-site",
      },
      { origin: "https://127.0.0.1:8080" },
      { origin: "http://127.0.0.1:8081" },
    ]
  ) {
    assert.equal(await stream(headers as Record<string, string>), 403, JSON.stringify(headers));
  }
});

Deno.test("a name is explained, or said not to be known", async () => {
  const known = await ask("/page/explain/one-0");
  assert.equal((await known?.response.json()).now, "It runs");
  const unknown = await ask(`/page/explain/${encodeURIComponent("<b>../x")}`);
  assert.deepEqual([unknown?.status, await unknown?.response.text()], [
    404,
    "No machine, request, return request or node has this name\n",
  ]);
  assert.equal((await ask("/page/explain/locked"))?.status, 503);
  assert.equal((await ask("/page/explain/%ff"))?.status, 400);
  assert.equal((await ask("/page/other"))?.status, 404);
});

Deno.test("there are no more streams than can be borne", async () => {
  const streams = await Promise.all(Array.from({ length: 64 }, () => ask("/page/stream")));
  assert.equal((await ask("/page/stream"))?.status, 503);
  for (const stream of streams) await stream?.response.body?.cancel();
});
