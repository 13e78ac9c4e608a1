import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import type { HookAnswer } from "../../src/extensions/hook_client.ts";
import { extension, type Hook, hookClient } from "../support/hooks.ts";
import { settled } from "../support/simulated_clock.ts";

const signal = new AbortController().signal;
const never = () => new Promise<Response>(() => {});

function setUp(hook: Hook) {
  const made = hookClient(hook);
  const call = (one = extension("a"), document: unknown = {}, machines = 1): Promise<HookAnswer> =>
    made.client.call(one, { kind: "pre-create", document, machines, signal });
  return { ...made, call };
}

Deno.test("a call posts the document, and says which hook it is for", async () => {
  const { call, seen } = setUp(() => new Response("words", { status: 200 }));
  assert.deepEqual(await call(extension("a"), { version: 1 }), { status: 200, text: "words", retryAfterMs: undefined });
  assert.equal(seen[0]?.url, "https://a.test/pre-create");
  assert.deepEqual(seen[0]?.document, { version: 1 });
  assert.equal(seen[0]?.headers.get("hostfactory-hook"), "pre-create");
  assert.equal(seen[0]?.headers.get("authorization"), null);
  assert.equal(seen[0]?.headers.get("hostfactory-signature"), null);
});

Deno.test("the same document has the same key, another has another", async () => {
  const { call, seen } = setUp(() => new Response(null, { status: 304 }));
  for (const document of [{ a: 1 }, { a: 1 }, { a: 2 }]) await call(extension("a"), document);
  const [first, again, other] = seen.map(({ headers }) => headers.get("idempotency-key"));
  assert.match(first ?? "", /^[0-9a-f]{32}$/);
  assert.equal(first, again);
  assert.notEqual(first, other);
});

Deno.test("credentials are read from their files for each call", async () => {
  const { call, seen, files, opened } = setUp(() => new Response(null, { status: 304 }));
  const credentials = { tokenFile: "/t", hmacKeyFile: "/k", clientCertificateFile: "/c", clientKeyFile: "/p" };
  for (const [path, text] of [["/t", "token\n"], ["/k", "secret\n"], ["/c", "cert"], ["/p", "key"]] as const) {
    files.writeText(path, text);
  }
  await call(extension("a", { credentials }), { b: 1 });
  files.remove("/t");
  files.writeText("/t", "another");
  await call(extension("a", { credentials }), { b: 1 });
  assert.deepEqual(seen.map(({ headers }) => headers.get("authorization")), ["Bearer token", "Bearer another"]);
  const seconds = Date.UTC(2026, 10, 20) / 1000;
  const expected = createHmac("sha256", "secret").update(`${seconds}.{"b":1}`).digest("hex");
  assert.equal(seen[0]?.headers.get("hostfactory-signature"), `t=${seconds},v1=${expected}`);
  assert.equal(opened.length, 1, "connections are kept while what they are made with stays the same");
  assert.deepEqual([opened[0]?.cert, opened[0]?.key], ["cert", "key"]);
});

Deno.test("a credential file that is missing is named", async () => {
  const { call } = setUp(() => new Response(null, { status: 304 }));
  await assert.rejects(() => call(extension("a", { credentials: { tokenFile: "/t" } })), /'\/t': it does not exist/);
});

for (const status of [500, 503, 302, 307, 408, 425, 429]) {
  Deno.test(`a status of ${status} is no answer`, async () => {
    const { call } = setUp(() => new Response("", { status, headers: { "retry-after": "7" } }));
    await assert.rejects(() => call(), { name: "HookUnavailable", waitMs: 7_000 });
  });
}

for (const status of [200, 204, 304, 400, 403, 404, 422]) {
  Deno.test(`a status of ${status} is an answer`, async () => {
    const { call } = setUp(() => new Response(status === 204 || status === 304 ? null : "x", { status }));
    assert.equal((await call()).status, status);
  });
}

Deno.test("a hook that hangs is given up once its time is over", async () => {
  const { call, clock } = setUp(never);
  const answer = assert.rejects(call(), /did not answer within 5 s/);
  await clock.advance(5_000);
  await answer;
});

Deno.test("a hook that streams without end is given up once its time is over", async () => {
  const endless = new ReadableStream({ pull: () => new Promise(() => {}) });
  const { call, clock } = setUp(() => new Response(endless));
  const answer = assert.rejects(call(), /did not answer within 5 s/);
  await clock.advance(5_000);
  await answer;
});

Deno.test("an answer is read up to a MiB a machine", async () => {
  const { call } = setUp(() => new Response("x".repeat(1024 * 1024 + 1)));
  await assert.rejects(() => call(), /answered with more than 1 MiB/);
  assert.equal((await call(extension("a"), {}, 2)).text.length, 1024 * 1024 + 1);
});

Deno.test("a connection that fails is no answer", async () => {
  const { call } = setUp(() => {
    throw new TypeError("error sending request for url (https://a.test/): client error (Connect): refused");
  });
  await assert.rejects(() => call(), /'a' cannot be reached at https:\/\/a\.test: refused/);
});

Deno.test("one that has failed five times in a row is left alone, and tried by one call at a time", async () => {
  let isBack = false;
  const { call, clock, seen, client } = setUp(() => isBack ? new Response("") : new Response("", { status: 500 }));
  for (let n = 0; n < 5; n++) await assert.rejects(call());
  assert.deepEqual(client.leftAlone, ["a"]);
  await assert.rejects(call(), /left alone for a while: .*answered 500/);
  assert.equal(seen.length, 5, "no further call is made");
  await clock.advance(1_000);
  isBack = true;
  const together = await Promise.allSettled([call(), call()]);
  assert.deepEqual(together.map(({ status }) => status), ["fulfilled", "rejected"]);
  assert.equal(seen.length, 6);
  await call();
  assert.deepEqual(client.leftAlone, []);
});

Deno.test("that an extension is left alone, and called again, is told once", async () => {
  let isBack = false;
  const { call, clock, tripped } = setUp(() => isBack ? new Response("") : new Response("", { status: 500 }));
  for (let n = 0; n < 8; n++) {
    await call().catch(() => {});
    await clock.advance(10_000);
  }
  assert.deepEqual(tripped, ["Extension 'a' answered 500"]);
  isBack = true;
  await clock.advance(30_000);
  for (let n = 0; n < 2; n++) await call();
  assert.deepEqual(tripped, ["Extension 'a' answered 500", undefined]);
});

Deno.test("one that hangs is in no other's way, and has no more than 32 calls under way", async () => {
  const { call, seen } = setUp(({ url }) => url.includes("slow") ? never() : new Response(""));
  for (let n = 0; n < 40; n++) call(extension("slow"), { n }).catch(() => {});
  await settled();
  assert.equal(seen.length, 32);
  assert.equal((await call(extension("quick"))).status, 200);
});

Deno.test("a call that is not wanted any more says nothing about the extension", async () => {
  const { client } = setUp(never);
  for (let n = 0; n < 6; n++) {
    const stop = new AbortController();
    const answer = client.call(extension("a"), { kind: "pre-create", document: {}, signal: stop.signal });
    await settled();
    stop.abort(new Error("stopped"));
    await assert.rejects(answer, /stopped/);
  }
  assert.deepEqual(client.leftAlone, []);
});

Deno.test("hooks of one extension on different servers have connections of their own", async () => {
  const { client, opened } = setUp(() => new Response(""));
  const hooks = { "pre-create": "https://a.test/x", "pre-delete": "https://b.test/y", notify: "https://a.test/z" };
  for (const kind of ["pre-create", "pre-delete", "notify"] as const) {
    await client.call(extension("a", { hooks }), { kind, document: {}, signal });
  }
  assert.equal(opened.length, 2);
});
