import assert from "node:assert/strict";
import { drawPlan } from "./plan.ts";
import { Simulation } from "./simulation.ts";

/** Each half is played by a process of its own. */
const HALVES = [{ seed: 1, runs: 40 }, { seed: 41, runs: 40 }];

Deno.test("the same seed is the same run, byte for byte", async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const first = await new Simulation(drawPlan(seed)).run();
    const second = await new Simulation(drawPlan(seed)).run();
    assert.deepEqual(second.trace.lines, first.trace.lines, `seed ${seed}`);
    assert.equal(second.trace.hash, first.trace.hash, `seed ${seed}`);
  }
});

Deno.test("two seeds are two runs", async () => {
  const first = await new Simulation(drawPlan(1)).run();
  const second = await new Simulation(drawPlan(2)).run();
  assert.notEqual(first.trace.hash, second.trace.hash);
});

Deno.test("every invariant holds, whatever goes wrong: 80 seeds", async () => {
  const script = new URL("main.ts", import.meta.url).pathname;
  const played = HALVES.map(async ({ seed, runs }) => {
    const args = ["run", "--allow-all", script, "--seed", String(seed), "--runs", String(runs)];
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    console.log(said.split("\n").slice(-12).join("\n"));
    assert.equal(code, 0, said);
  });
  await Promise.all(played);
});
