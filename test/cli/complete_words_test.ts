import assert from "node:assert/strict";
import { COMMANDS } from "../../src/cli/commands.ts";
import { completeWords } from "../../src/cli/complete_words.ts";
import { declareProgram } from "../../src/cli/program.ts";

const names = {
  templates: () => ["k8s-small", "k8s-large"],
  requests: () => ["abc"],
  returns: () => ["ret"],
  machines: () => ["abc-0", "abc-1"],
  nodes: () => ["node-1"],
};
const output = { writeOut() {}, writeErr() {} };
const program = await declareProgram({}, { loaded: COMMANDS, called() {}, output });

for (
  const [words, completed] of [
    [["expl"], ["explain"]],
    [["explain", ""], ["abc", "ret", "abc-0", "abc-1", "node-1"]],
    [["explain", "abc-"], ["abc-0", "abc-1"]],
    [["admin", "list-m"], ["list-machines"]],
    [["admin", "list-machines", "--template", "k8s-s"], ["k8s-small"]],
    [["admin", "list-machines", "--state", "p"], ["pending"]],
    [["admin", "list-machines", "--node", ""], ["node-1"]],
    [["admin", "list-requests", "-o", "j"], ["json"]],
    [["admin", "drain-nodes", ""], ["node-1"]],
    [["admin", "get-timings", "--to-event", "r"], ["requested", "running", "ready", "returned"]],
    [["status", "--out"], ["--output"]],
    [["serve", ""], []],
    [["nothing", ""], undefined],
  ] as const
) {
  Deno.test(`\`hostfactory ${words.join(" ")}\` is completed by ${completed?.join(" ") ?? "the commands"}`, () => {
    const found = completeWords(program, words, names);
    if (completed) assert.deepEqual(found, completed);
    else assert.ok(found.includes("status") && !found.includes("words"));
  });
}

Deno.test("words that complete a line are no command of their own", () => {
  assert.deepEqual(completeWords(program, ["completion", ""], names).sort(), ["bash", "fish", "help", "zsh"]);
});
