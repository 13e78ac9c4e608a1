import assert from "node:assert/strict";
import { COMMANDS } from "../../src/cli/commands.ts";
import { readCommandLine } from "../../src/cli/program.ts";
import { UsageError } from "../../src/cli/usage_error.ts";

/** Commands with commands below them, and all that are called by themselves. */
const topics = COMMANDS.map(({ name }) => [name]).concat([["admin", "list-machines"], ["watch", "pods"], []]);

for (const width of [40, 80]) {
  Deno.test(`help fits ${width} columns, and breaks no word`, async () => {
    for (const topic of topics) {
      const help = await readCommandLine(["help", ...topic], {}, { width });
      assert.ok(typeof help === "string" && help.includes("Usage: hostfactory"), topic.join(" "));
      const wide = await readCommandLine(["help", ...topic], {}, { width: 1_000 });
      const words = new Set(String(wide).split(/\s+/));
      for (const line of help.split("\n")) {
        // A word that is longer than the line, such as the name of a file, stays whole.
        assert.ok(line.length <= width || !line.trim().includes(" "), line);
        for (const word of line.split(/\s+/)) assert.ok(word === "" || words.has(word), word);
      }
    }
  });
}

Deno.test("help on a command of a command is that command's own", async () => {
  const asked = String(await readCommandLine(["help", "admin", "delete-pods"], {}));
  assert.match(asked, /^Usage: hostfactory admin delete-pods /);
  assert.equal(asked, await readCommandLine(["admin", "delete-pods", "--help"], {}));
});

Deno.test("help tells the shape of inputs, examples and exit statuses", async () => {
  const verb = String(await readCommandLine(["help", "request-machines"], {}));
  assert.match(verb, /Input:\n {2}\{"template": \{"templateId": "ID", "machineCount": 10\}\}/);
  assert.match(verb, /Examples:\n {2}hostfactory request-machines -f in\.json/);
  const status = String(await readCommandLine(["status", "--help"], {}));
  assert.match(status, /Exit status:\n {2}0 {2}done\n {2}1 {2}there is trouble/);
  assert.match(status, / {2}4 {2}the work directory is not served/);
});

for (
  const [args, message, hint] of [
    [["stauts"], "unknown command 'stauts'", "did you mean 'status'? see 'hostfactory --help'"],
    [["help", "stauts"], "there is no command 'stauts'", "did you mean 'status'? see 'hostfactory --help'"],
    [
      ["list-machine"],
      "unknown command 'list-machine'",
      "did you mean 'admin list-machines'? see 'hostfactory --help'",
    ],
    [["admin", "help", "x"], "there is no command 'x'", "see 'hostfactory admin --help'"],
    [["help", "admin", "x"], "there is no command 'x'", "see 'hostfactory admin --help'"],
    [
      ["admin", "list-machine"],
      "unknown command 'list-machine'",
      "did you mean 'list-machines'? see 'hostfactory admin --help'",
    ],
    [
      ["status", "--ouput", "json"],
      "unknown option '--ouput'",
      "did you mean '--output'? see 'hostfactory status --help'",
    ],
    [
      ["serve", "--wrokdir=x"],
      "unknown option '--wrokdir=x'",
      "did you mean '--workdir'? see 'hostfactory serve --help'",
    ],
    [["status", "--hlep"], "unknown option '--hlep'", "did you mean '--help'? see 'hostfactory status --help'"],
  ] as const
) {
  Deno.test(`\`hostfactory ${args.join(" ")}\` points to the nearest name and to help`, async () => {
    await assert.rejects(
      readCommandLine([...args], {}),
      (error) => error instanceof UsageError && error.message === message && error.hint === hint,
    );
  });
}

for (const args of [["version"], ["-V"], ["--version"], ["help", "version"]]) {
  Deno.test(`\`hostfactory ${args.join(" ")}\` tells the version`, async () => {
    assert.match(String(await readCommandLine(args, {})), /^hostfactory \S+ \(\S+\)\n$/);
  });
}
