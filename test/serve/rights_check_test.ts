import assert from "node:assert/strict";
import { KubeError } from "../../src/kube/errors.ts";
import type { Right } from "../../src/kube/kube.ts";
import { RightsCheck } from "../../src/serve/rights_check.ts";
import { captureLog } from "../support/captured_log.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

const signal = new AbortController().signal;

/** What is said at the end of a step, and how the step ended. */
async function checked(isAllowed: (right: Right) => Promise<boolean>): Promise<{ lines: string[]; kind: string }> {
  using log = captureLog();
  const check = new RightsCheck({ kube: { isAllowed }, clock: new SimulatedClock() });
  const { kind } = await check.step(signal);
  if (kind === "done") await check.step(signal);
  return { lines: log.lines, kind };
}

Deno.test("rights that are missing are said once, with what to do", async () => {
  const missing = ["watch", "patch"];
  const isAllowed = ({ verb }: Right) => Promise.resolve(!missing.includes(verb));
  assert.deepEqual(await checked(isAllowed), {
    lines: [
      'warning cluster: Rights are missing: apply scripts/rbac/role.yaml missing="watch pods, patch pods"',
    ],
    kind: "done",
  });
  assert.deepEqual(await checked(() => Promise.resolve(true)), { lines: [], kind: "done" });
});

Deno.test("while the cluster cannot be asked, nothing is said of rights, and it is asked later", async () => {
  const away = () => Promise.reject(new KubeError("unavailable", "away"));
  assert.deepEqual(await checked(away), { lines: [], kind: "again" });
});
