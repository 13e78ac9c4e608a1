import assert from "node:assert/strict";
import { getAvailableTemplates } from "../../src/verbs/get_available_templates.ts";
import { memoryProvider } from "../support/memory_provider.ts";

const attributes = { type: ["String", "X86_64"], ncpus: ["Numeric", "1"], nram: ["Numeric", "1024"] };
const template = (templateId: string, maxNumber: unknown = 1) => ({
  templateId,
  maxNumber,
  attributes,
  podSpec: "pod.json",
});

function answer(input: unknown, ...templates: unknown[]): { message?: string; templates: { templateId?: string }[] } {
  const provider = memoryProvider();
  provider.files.writeText("/conf/k8sprov_templates.json", JSON.stringify({ templates }));
  return getAvailableTemplates(provider, input);
}

Deno.test("all templates are there, as the file has them", () => {
  assert.deepEqual(answer({}, template("A"), template("B")), { templates: [template("A"), template("B")] });
});

for (const filter of [{ templateId: "B" }, { template: { templateId: "B" } }, { templates: [{ templateId: "B" }] }]) {
  Deno.test(`a filter keeps what it names: ${JSON.stringify(filter)}`, () => {
    assert.deepEqual(answer(filter, template("A"), template("B")).templates, [template("B")]);
  });
}

Deno.test("a broken template is said in the message, and the others are there", () => {
  const { message, templates } = answer({}, template("A", "many"), template("B"));
  assert.deepEqual(templates, [template("B")]);
  assert.match(message ?? "", /'A'.*maxNumber/);
});
