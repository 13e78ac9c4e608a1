import assert from "node:assert/strict";
import { proposed } from "../../src/cli/proposed.ts";

Deno.test("a command to try next asks the directory that was asked, and only ours know of it", () => {
  const given = { workdir: "/grid" };
  assert.equal(proposed("hostfactory explain req", given), "hostfactory explain req --workdir /grid");
  assert.equal(proposed("hostfactory explain req", {}), "hostfactory explain req");
  assert.equal(proposed("hostfactory serve --workdir /x", given), "hostfactory serve --workdir /x");
  assert.equal(proposed("kubectl get pods", given), "kubectl get pods");
});
