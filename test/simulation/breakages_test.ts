/** Shows that the simulation and the tests find bugs: breaks the product on purpose, in one place at a time. */
import assert from "node:assert/strict";
import { cpSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type Breakage, BREAKAGES, type Played, quotesOnce, type Tested } from "./breakages.ts";

const top = new URL("../../", import.meta.url).pathname;

/** A copy of the tree, in which one breakage after another is planted: Deno need not compile all of it again for each. */
let copy = "";

Deno.test.beforeAll(async () => {
  copy = await Deno.makeTempDir();
  for (const part of ["src", "test", "deno.json", "deno.lock"]) {
    cpSync(join(top, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(top, "node_modules"), join(copy, "node_modules"));
});

Deno.test.afterAll(() => Deno.remove(copy, { recursive: true }));

for (const breakage of BREAKAGES) {
  Deno.test(`found: ${breakage.what}`, async () => {
    await using _planted = await plant(breakage);
    if ("foundBy" in breakage) await test(breakage);
    else await play(breakage);
  });
}

/** Plants a breakage, until disposed. */
async function plant(breakage: Breakage): Promise<AsyncDisposable> {
  const { file, from, to } = breakage;
  const source = await Deno.readTextFile(join(copy, file));
  assert.ok(quotesOnce(breakage, source), `'${from}' stands in ${file} once`);
  await Deno.writeTextFile(join(copy, file), source.replace(from, () => to));
  return { [Symbol.asyncDispose]: () => Deno.writeTextFile(join(copy, file), source) };
}

async function play({ violates, seed, only }: Played): Promise<void> {
  const args = ["run", "--allow-all", "--no-check", "test/simulation/main.ts", "--seed", String(seed)];
  const { code, said } = await run([...args, "--only", only.join(), "--brief"]);
  const [, number] = /^Seed \d+ violates invariant (\d+)/m.exec(said) ?? [];
  assert.equal(code, 1, `seed ${seed} shows it no longer: see the top of breakages.ts\n${said}`);
  assert.ok(violates.includes(Number(number)), said);
}

async function test({ foundBy, test }: Tested): Promise<void> {
  const { code, said } = await run(["test", "--allow-all", "--no-check", "--filter", test, foundBy]);
  assert.equal(code, 1, said);
  assert.ok(said.split("\n").some((line) => line.startsWith(test) && / \.\.\. FAILED/.test(line)), said);
}

async function run(args: string[]): Promise<{ code: number; said: string }> {
  const env = { NO_COLOR: "1" };
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: copy, env }).output();
  return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}
