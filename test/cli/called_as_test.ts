import assert from "node:assert/strict";
import { commandCalledAs } from "../../src/cli/called_as.ts";

Deno.test("a link of the legacy plug-in's name stands for the command that does the same", () => {
  assert.deepEqual(commandCalledAs("/usr/local/bin/hostfactory-admin"), ["admin"]);
  assert.deepEqual(commandCalledAs("hostfactory-admin"), ["admin"]);
});

Deno.test("under any other name the program is itself", () => {
  for (const name of ["/opt/hostfactory", "hostfactory-admin/hf", ""]) assert.deepEqual(commandCalledAs(name), []);
});
