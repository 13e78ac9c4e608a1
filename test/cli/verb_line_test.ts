/** Two ways to read a command line must not differ: what the quick one reads at all, it reads as commander does. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { readCommandLine } from "../../src/cli/program.ts";
import { readVerbLine } from "../../src/cli/verb_line.ts";

const plain: [args: string[], path: string, rest: string[], options: object][] = [
  [["get-request-status"], "get-request-status", [], {}],
  [["get-request-status", "-"], "get-request-status", ["-"], {}],
  [["request-machines", "-f", "in.json"], "request-machines", [], { file: "in.json" }],
  [["request-machines", "-fin.json"], "request-machines", [], { file: "in.json" }],
  [["--workdir", "/w", "request-machines", "--file=-"], "request-machines", [], { workdir: "/w", file: "-" }],
  [
    ["get-return-requests", "--log-level=debug", "--shared-workdir", "--on-partial-failure", "complete", "x"],
    "get-return-requests",
    ["x"],
    { logLevel: "debug", sharedWorkdir: true, onPartialFailure: "complete" },
  ],
];
for (const [args, name, rest, options] of plain) {
  Deno.test(`\`${args.join(" ")}\` is read at once`, () => {
    const line = readVerbLine(args);
    assert.deepEqual([line?.path, line?.args, { ...line?.options }], [[name], rest, options]);
  });
}

const unusual: string[][] = [
  [],
  ["serve"],
  ["nothing"],
  ["--help"],
  ["request-machines", "--help"],
  ["help", "request-machines"],
  ["request-machines", "--nope"],
  ["request-machines", "a", "b"],
  ["request-machines", "-f"],
  ["request-machines", "--workdir", "--confdir", "x"],
  ["request-machines", "--", "-f"],
  ["-f", "x", "request-machines"],
  ["x", "request-machines"],
  ["request-machines", "--shared-workdir=1"],
];
for (const args of unusual) {
  Deno.test(`\`hostfactory ${args.join(" ")}\` is left to commander`, () =>
    assert.equal(readVerbLine(args), undefined));
}

const word = fc.constantFrom(
  ...[
    "get-available-templates",
    "request-machines",
    "get-request-status",
    "serve",
    "watch",
    "help",
    "-h",
    "--help",
    "--version",
  ],
  ...["-f", "--file", "--file=x", "-fx", "-f=x", "--file=", "-", "--", "-x", "--nope", "a.json", "", "5", "-5", "-ff"],
  ...[
    "--workdir",
    "--workdir=/w",
    "--workdir=",
    "--log-level",
    "--shared-workdir",
    "--shared-workdir=1",
    "--no-shared-workdir",
  ],
  ...["--instance", "--request-id=--x", "--proxy", "--on-partial-failure=complete", "--logLevel", "--log", "__proto__"],
);
const words = fc.array(word, { maxLength: 7 });
/** Most lines of any words are wrong; these begin with what is right. */
const lines = fc.oneof(
  words,
  fc.tuple(fc.constantFrom("request-machines", "get-request-status"), words).map(([verb, more]) => [verb, ...more]),
);

Deno.test("what is read at once is what commander reads", async () => {
  let readAtOnce = 0;
  await fc.assert(
    fc.asyncProperty(lines, async (args) => {
      const line = readVerbLine(args);
      if (!line) return;
      readAtOnce++;
      const whole = await readCommandLine(args, {});
      assert.ok(typeof whole !== "string", whole as string);
      assert.deepEqual({ ...line, options: { ...line.options } }, { ...whole, options: { ...whole.options } });
    }),
    { seed: 1, numRuns: 3_000 },
  );
  assert.ok(readAtOnce > 200, `only ${readAtOnce} command lines were read at once`);
});
