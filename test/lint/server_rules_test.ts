import assert from "node:assert/strict";
import { RIGHTS } from "../../src/kube/rights.ts";
import { granted, roleObjects } from "../support/role.ts";

Deno.test("the rights that are asked for are those of the role that hosts are given", () => {
  const asked = RIGHTS.map(({ verb, resource }) => `${verb} ${resource}`);
  assert.deepEqual(asked.sort(), granted(roleObjects("symphony")).sort());
});
