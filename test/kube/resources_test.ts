import assert from "node:assert/strict";
import { coresOf, mebibytesOf } from "../../src/kube/resources.ts";

Deno.test("cores and memory of containers are summed up, and what does not say, or is no quantity, counts nothing", () => {
  const some = [{ cpu: "250m", memory: "512Mi" }, { cpu: 1, memory: "1Gi" }, {}, null, undefined, {
    cpu: "x",
    memory: {},
  }];
  assert.equal(coresOf(...some), 1.25);
  assert.equal(mebibytesOf(...some), 1_536);
  assert.equal(coresOf(), 0);
});
