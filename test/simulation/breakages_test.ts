/** Shows that the simulation and the tests find bugs: breaks the product on purpose, in one place at a time. */
import assert from "node:assert/strict";
import { cpSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type Breakage, BREAKAGES, type Played, type Tested } from "./breakages.ts";

/** Within so many runs each must be found. */
const MOST_RUNS = 300;

const top = new URL("../../", import.meta.url).pathname;

for (const breakage of BREAKAGES) {
  Deno.test(`found: ${breakage.what}`, async () => {
    const directory = await Deno.makeTempDir();
    try {
      for (const part of ["src", "test", "deno.json", "deno.lock"]) {
        cpSync(join(top, part), join(directory, part), { recursive: true });
      }
      symlinkSync(join(top, "node_modules"), join(directory, "node_modules"));
      await plant(breakage, directory);
      if ("foundBy" in breakage) await test(breakage, directory);
      else await play(breakage, directory);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

async function plant({ file, from, to }: Breakage, directory: string): Promise<void> {
  const source = await Deno.readTextFile(join(directory, file));
  assert.equal(source.split(from).length, 2, `'${from}' stands in ${file} once`);
  await Deno.writeTextFile(join(directory, file), source.replace(from, () => to));
}

async function play({ violates, seed: first = 1, only }: Played, directory: string): Promise<void> {
  const runs = only ? ["--runs", "1", "--only", only.join()] : ["--runs", String(MOST_RUNS)];
  const args = ["run", "--allow-all", "--no-check", "test/simulation/main.ts"];
  const { code, said } = await run([...args, "--seed", String(first), ...runs, "--brief"], directory);
  const [, seed, number] = /^Seed (\d+) violates invariant (\d+)/m.exec(said) ?? [];
  console.log(`${Number(seed) - first + 1} run(s) until invariant ${number} was found not to hold`);
  assert.equal(code, 1, said);
  assert.ok(violates.includes(Number(number)), said);
}

async function test({ foundBy, test }: Tested, directory: string): Promise<void> {
  const { code, said } = await run(["test", "--allow-all", "--no-check", "--filter", test, foundBy], directory);
  assert.equal(code, 1, said);
  assert.ok(said.split("\n").some((line) => line.startsWith(test) && / \.\.\. FAILED/.test(line)), said);
}

async function run(args: string[], directory: string): Promise<{ code: number; said: string }> {
  const env = { NO_COLOR: "1" };
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: directory, env }).output();
  return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}
