import assert from "node:assert/strict";
import { getAvailableTemplates } from "../../src/verbs/get_available_templates.ts";
import { writeState } from "../../src/workdir/machines.ts";
import { addRequest } from "../../src/workdir/requests.ts";
import { addReturn } from "../../src/workdir/returns.ts";
import { atOnce } from "../support/at_once.ts";
import { notPermitted, readOnly } from "../support/memory_files.ts";
import { type MemoryProvider, memoryProvider, template } from "../support/memory_provider.ts";

function provider(...templates: unknown[]): MemoryProvider {
  const provider = memoryProvider();
  provider.files.writeText("/conf/k8sprov_templates.json", JSON.stringify({ templates }));
  return provider;
}

function answer(input: unknown, ...templates: unknown[]): { message?: string; templates: { templateId?: string }[] } {
  return getAvailableTemplates(provider(...templates), input);
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

Deno.test("what a template says to extensions is not told, whether the template can be used or not", () => {
  const extensions = { slo: { token: "geheim" } };
  const good = { ...template("A"), extensions }, broken = { ...template("B", "many"), extensions };
  const limited = { ...template("C", 3), extensions };
  const told = answer({}, good, broken, limited);
  assert.deepEqual(told.templates, [template("A"), { ...template("C", 3), availableNumber: 3 }]);
  assert.ok(!JSON.stringify(told).includes("geheim"));
});

Deno.test("a template that lacks a field is left out, and the message says what is missing", () => {
  const { attributes: { ncpus: _, ...attributes }, ...rest } = template("A") as { attributes: Record<string, unknown> };
  const { message, templates } = answer({}, { ...rest, attributes }, template("B"));
  assert.deepEqual(templates, [template("B")]);
  assert.match(message ?? "", /'A'.*: attributes\.ncpus is missing$/);
});

/** What is free of each template, by its id; what is not said is nothing. */
function free(on: MemoryProvider): Record<string, number | undefined> {
  const { templates } = getAvailableTemplates(on, {});
  const known = templates as { templateId: string; availableNumber?: number }[];
  return Object.fromEntries(known.map(({ templateId, availableNumber }) => [templateId, availableNumber]));
}

async function ask({ workdir }: MemoryProvider, id: string, templateId: string, count: number): Promise<void> {
  await addRequest(workdir, { id, templateId, count, requestedAt: 0, manifest: "{}" }, atOnce);
}

Deno.test("of a template with a limit it is said how many machines can be had now", async () => {
  const on = provider(template("A", 10), template("B"), template("C", 0), template("D", Number.MAX_SAFE_INTEGER));
  assert.deepEqual(free(on), { A: 10, B: undefined, C: 0, D: Number.MAX_SAFE_INTEGER });
  await ask(on, "a", "A", 4);
  await ask(on, "b", "B", 100);
  await ask(on, "gone", "Gone", 100);
  assert.equal(free(on).A, 6);
  writeState(on.workdir, "a-0", "running");
  writeState(on.workdir, "a-1", "failed");
  await addReturn(on.workdir, { id: "ret", machines: ["a-3"], unknown: [], requestedAt: 0 }, atOnce);
  assert.equal(free(on).A, 8);
});

Deno.test("a limit that was lowered below what is in use leaves nothing to be had", async () => {
  const on = provider(template("A", 3));
  await ask(on, "a", "A", 4);
  assert.equal(free(on).A, 0);
});

Deno.test("a template that is renamed begins again, and has its machines again under its old name", async () => {
  const on = provider(template("A", 10));
  await ask(on, "a", "A", 4);
  on.files.writeText("/conf/k8sprov_templates.json", JSON.stringify({ templates: [template("Anew", 10)] }));
  assert.deepEqual(free(on), { Anew: 10 });
  on.files.writeText("/conf/k8sprov_templates.json", JSON.stringify({ templates: [template("A", 10)] }));
  assert.deepEqual(free(on), { A: 6 });
});

const unknown: [what: string, breakIt: (on: MemoryProvider) => void, says: RegExp][] = [
  ["there is no work directory", ({ files }) => files.removeTree("/work"), /there is no '\/work\/requests' yet/],
  ["requests are lost", ({ files }) => files.removeTree("/work/requests"), /there is no '\/work\/requests' yet/],
  [
    "requests cannot be listed",
    ({ files }) =>
      files.failWhere(({ name, paths }) => name === "list" && paths[0] === "/work/requests", notPermitted()),
    /cannot see which machines are in use: Permission denied/,
  ],
];
for (const [what, breakIt, says] of unknown) {
  Deno.test(`where ${what}, templates are told without what cannot be known, and the message says why`, () => {
    const on = provider(template("A", 10), template("B"));
    breakIt(on);
    const { templates, message } = getAvailableTemplates(on, {});
    assert.deepEqual(templates, [template("A", 10), template("B")]);
    assert.match(message ?? "", says);
  });
}

Deno.test("where no template has a limit, the work directory is not looked at", () => {
  const on = provider(template("A"));
  on.files.failWhere(({ paths }) => paths[0]?.startsWith("/work") ?? false, notPermitted());
  assert.deepEqual(getAvailableTemplates(on, {}), { templates: [template("A")] });
});

Deno.test("in a work directory that takes no writes, everything is answered all the same", async () => {
  const on = provider(template("A", 10));
  await ask(on, "a", "A", 4);
  on.files.failWhere(({ name }) => name === "writeText" || name === "rename", readOnly());
  assert.deepEqual(getAvailableTemplates(on, {}), { templates: [{ ...template("A", 10), availableNumber: 6 }] });
});
