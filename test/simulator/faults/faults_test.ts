import assert from "node:assert/strict";
import { parseFault, parseFaults } from "../../../src/simulator/faults/faults.ts";

Deno.test("what is wrong with a fault is said with origin, fault and field", () => {
  for (
    const [fault, problem] of [
      [{ name: "slow" }, /^Cannot use fault 'slow' in 'f': latencyMs is missing$/],
      [{ name: "slow", latencyMs: "1" }, /^Cannot use fault 'slow' in 'f': latencyMs must be a number$/],
      [{ name: "failing", status: 418 }, /^Cannot use fault 'failing' in 'f': status must be 429, 500, 503 or 504$/],
      [{ name: "failing", share: 2 }, /share must be 0 to 1$/],
      [{ name: "failing", shares: 1 }, /shares is not known here$/],
      [{ name: "failing", verbs: ["post"] }, /verbs.0 must be a verb of the API/],
      [{ name: "partial-lists", missing: 2 }, /missing must be 0 to 1$/],
      [{ name: "dropped-marks", prefixes: [] }, /prefixes must not be empty$/],
      [{ name: "hidden-pods", count: 1 }, /count is not known here$/],
      [{ name: "gremlins" }, /name must name a fault that is known: one of .*"quota"/],
    ] as const
  ) assert.throws(() => parseFault(fault, "f"), { message: problem });
});

Deno.test("a file holds a list of faults, or an object with one", () => {
  const list = [{ name: "slow", latencyMs: 5 }, { name: "quota", limit: 3 }];
  assert.deepEqual(parseFaults(list, "f"), parseFaults({ faults: list }, "f"));
  assert.throws(() => parseFaults({}, "f"), { message: "Cannot read faults in 'f': it must hold a list of faults" });
});
