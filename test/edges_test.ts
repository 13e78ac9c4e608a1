import assert from "node:assert/strict";
import edges from "../scripts/dev/edges.ts";
import { root } from "./support/tree.ts";

/** What the plugin says to a source at a place in the checkout. */
function complaints(file: string, source: string): string[] {
  return Deno.lint.runPlugin(edges, root + file, source).map(({ message }) => message);
}

/** Code that touches an edge, and the one file that may; none where no one may. */
const offences: [code: string, home: string | undefined][] = [
  ["console.log(1)", undefined],
  ["globalThis.console.error(1)", undefined],
  ["Deno.exit(1)", "main.ts"],
  ["process.exit(1)", "main.ts"],
  ["Deno.exitCode = 1", "main.ts"],
  ["Deno.env.get('HOME')", "src/config.ts"],
  ["process.env.HOME", "src/config.ts"],
  ["const { env } = Deno", "src/config.ts"],
  ["Deno.stdout.writeSync(bytes)", "src/cli/output.ts"],
  ["process.stdout.write('')", "src/cli/output.ts"],
  ["Date.now()", "src/clock.ts"],
  ["const now = Date.now", "src/clock.ts"],
  ["new Date()", "src/clock.ts"],
  ["Date()", "src/clock.ts"],
  ["performance.now()", "src/clock.ts"],
  ["Math.random()", "src/random.ts"],
  ["crypto.randomUUID()", "src/random.ts"],
  ["crypto.getRandomValues(bytes)", "src/random.ts"],
  ["Deno.readTextFileSync('x')", "src/files.ts"],
  ["await Deno.readTextFile('x')", "src/files.ts"],
  ["Deno.watchFs('x')", "src/files.ts"],
  ["Deno['renameSync']('x', 'y')", "src/files.ts"],
  ["import { readFileSync } from 'node:fs'", "src/files.ts"],
  ["Deno.chdir('/')", "src/files.ts"],
  ["Deno.uid()", "src/files.ts"],
  ["process.seteuid(0)", "src/files.ts"],
  ["import process from 'node:process'", "src/files.ts"],
  ["AbortSignal.any([a, b])", undefined],
  ["AbortSignal.timeout(1)", undefined],
  ["fetch('http://x')", "src/kube/transport/network.ts"],
  ["globalThis.fetch('http://x')", "src/kube/transport/network.ts"],
  ["const network = { fetch }", "src/kube/transport/network.ts"],
  ["call(fetch)", "src/kube/transport/network.ts"],
  ["Deno.createHttpClient({})", "src/kube/transport/network.ts"],
];

for (const [code, home] of offences) {
  Deno.test(`\`${code}\` is an offence everywhere but in ${home ?? "scripts and tests"}`, () => {
    assert.equal(complaints("src/verbs/sample.ts", code).length, 1);
    if (home) assert.deepEqual(complaints(home, code), []);
    for (const exempt of ["scripts/dev/sample.ts", "test/sample_test.ts"]) {
      assert.deepEqual(complaints(exempt, code), []);
    }
  });
}

for (
  const code of [
    "new Date(0)",
    "clock.now()",
    "const fetch = network.fetch; ",
    "network.fetch('http://x')",
    "({ fetch: network.fetch })",
    "interface Network { fetch(url: string): void }",
    "files.readText('x')",
    "Deno.memoryUsage()",
    "type T = typeof fetch",
    "import type { Stats } from 'node:fs'",
  ]
) {
  Deno.test(`\`${code}\` is no offence`, () => assert.deepEqual(complaints("src/verbs/sample.ts", code), []));
}

Deno.test("a complaint names the place where it belongs and what to do instead", () => {
  assert.deepEqual(complaints("src/verbs/sample.ts", "Date.now()"), [
    "Only src/clock.ts may use 'Date.now': take `now` or a Clock",
  ]);
});
