/** Two minutes of `deno task chaos`, on a control plane of its own. */
import assert from "node:assert/strict";
import { ControlPlane } from "../chaos/control_plane.ts";
import { runChaos } from "../chaos/run.ts";

const seed = 20_261_121;
const missing = Deno.env.get("HF_BINARY") === undefined
  ? "HF_BINARY"
  : ControlPlane.isThere
  ? undefined
  : "kit of a control plane";

Deno.test({
  name: `whatever goes wrong for two minutes, nothing is lost, doubled or left behind: seed ${seed}${
    missing === undefined ? "" : ` (SKIPPED: no ${missing})`
  }`,
  ignore: missing !== undefined,
  fn: async () => {
    const { violations, struck, machines } = await runChaos({ minutes: 2, seed, on: "own", say: () => {} });
    assert.deepEqual(violations, [], `replay it with: deno task chaos --minutes 2 --seed ${seed}`);
    assert.ok(struck.size >= 10 && machines >= 20, `${struck.size} troubles and ${machines} machines are no chaos`);
  },
});
