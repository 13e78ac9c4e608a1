import assert from "node:assert/strict";
import { commandCalledAs } from "../../src/cli/called_as.ts";

function calledAs(cmdline: string) {
  return commandCalledAs({ readText: () => cmdline });
}

Deno.test("a link of the legacy plug-in's name stands for the command that does the same", () => {
  assert.deepEqual(calledAs("/usr/local/bin/hostfactory-admin\0list-machines\0"), ["admin"]);
  assert.deepEqual(calledAs("hostfactory-admin\0"), ["admin"]);
  assert.deepEqual(calledAs("/opt/hostfactory\0status\0"), []);
});

Deno.test("where the name cannot be known, the program has its own", () => {
  const readText = () => {
    throw new Deno.errors.NotFound();
  };
  assert.deepEqual(commandCalledAs({ readText }), []);
});
