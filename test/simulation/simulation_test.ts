import assert from "node:assert/strict";
import { drawPlan } from "./plan.ts";
import { Simulation } from "./simulation.ts";

/** Each half is played by a process of its own. Who searches for what may go wrong plays hundreds: `deno task sim`. */
const HALVES = [{ seed: 1, runs: 20 }, { seed: 21, runs: 20 }];

/** Played once more, by this process and in another order: what a run leaves behind makes no difference to the next. */
const PLAYED_TWICE = [22, 7, 5, 4, 3];

let halves: Promise<Map<number, string>> | undefined;

/** Plays both halves, once. @returns by seed, the hash of all that happened */
function playHalves(): Promise<Map<number, string>> {
  return halves ??= Promise.all(HALVES.map(playHalf)).then((hashes) => new Map(hashes.flat()));
}

async function playHalf({ seed, runs }: { seed: number; runs: number }): Promise<[seed: number, hash: string][]> {
  const script = new URL("main.ts", import.meta.url).pathname;
  const args = ["run", "--allow-all", "--no-check", script, "--hashes", "--seed", String(seed), "--runs", String(runs)];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const isHash = (line: string) => /^\d+ [0-9a-f]{8}$/.test(line);
  const lines = said.trimEnd().split("\n");
  console.log(lines.filter((line) => !isHash(line)).slice(-12).join("\n"));
  assert.equal(code, 0, said);
  return lines.filter(isHash).map((line) => [Number(line.split(" ")[0]), line]);
}

Deno.test("every invariant holds, whatever goes wrong: 40 seeds", async () => {
  const hashes = await playHalves();
  assert.equal(hashes.size, 40);
});

Deno.test("the same seed is the same run, operation by operation", async () => {
  const hashes = await playHalves();
  for (const seed of PLAYED_TWICE) {
    const { trace: { hash } } = await new Simulation(drawPlan(seed)).run();
    assert.equal(`${seed} ${hash}`, hashes.get(seed), `compare what \`deno task sim --seed ${seed}\` says each time`);
  }
});

Deno.test("two seeds are two runs", async () => {
  const hashes = [...(await playHalves()).values()].map((line) => line.split(" ")[1]);
  assert.equal(new Set(hashes).size, hashes.length);
});
