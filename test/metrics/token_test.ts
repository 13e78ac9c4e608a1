import assert from "node:assert/strict";
import { tokenCheck } from "../../src/metrics/token.ts";

const withHeader = (authorization?: string) =>
  new Request("http://127.0.0.1/metrics", authorization === undefined ? {} : { headers: { authorization } });

Deno.test("the right token is taken, and nothing else", async () => {
  const check = tokenCheck(() => "s3cret");
  for (const good of ["Bearer s3cret", "bearer s3cret", "Bearer  s3cret "]) {
    assert.ok(await check(withHeader(good)), good);
  }
  for (const bad of [undefined, "", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret2", "Basic s3cret", "s3cret"]) {
    assert.equal(await check(withHeader(bad)), false, bad);
  }
});

Deno.test("an empty token opens nothing, and one that is replaced counts at once", async () => {
  let token = "";
  const check = tokenCheck(() => token);
  assert.equal(await check(withHeader("Bearer ")), false);
  assert.equal(await check(withHeader("Bearer x")), false);
  token = "x";
  assert.ok(await check(withHeader("Bearer x")));
});
