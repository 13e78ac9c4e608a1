import assert from "node:assert/strict";
import { commandCalledAs } from "../../src/cli/called_as.ts";

Deno.test("a link of the legacy plug-in's name stands for the command that does the same", () => {
  assert.deepEqual(commandCalledAs("/usr/local/bin/hostfactory-events"), ["events"]);
  assert.deepEqual(commandCalledAs("hostfactory-utils"), ["utils"]);
});

Deno.test("under any other name the program is itself", () => {
  for (const name of ["/opt/hostfactory", "hostfactory-events/hf", ""]) assert.deepEqual(commandCalledAs(name), []);
});
