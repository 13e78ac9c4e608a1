import assert from "node:assert/strict";
import { Ajv } from "ajv";
import fc from "fast-check";
import * as v from "valibot";
import templatesSchema from "../../scripts/schemas/templates.schema.json" with { type: "json" };
import { findTemplate, manifestPath, readCatalogue, TemplateSchema } from "../../src/templates/catalogue.ts";
import { MemoryFiles, notPermitted } from "../support/memory_files.ts";

const attributes = { type: ["String", "X86_64"], ncpus: ["Numeric", "1"], nram: ["Numeric", "1024"] };
const good = { templateId: "Good", maxNumber: 10, attributes, podSpec: "pod.yaml" };

/** A configuration directory whose templates file holds this. */
function confdir(content: unknown): MemoryFiles {
  const files = new MemoryFiles();
  files.makeDirectory("/conf/sub");
  files.writeText("/conf/pod.yaml", "");
  files.writeText("/conf/sub/other.yaml", "");
  files.writeText("/elsewhere.yaml", "");
  files.writeText("/conf/k8sprov_templates.json", typeof content === "string" ? content : JSON.stringify(content));
  return files;
}

Deno.test("a template is as the file has it, with what the site added", () => {
  const template = {
    ...good,
    attributes: { ...attributes, ncores: ["Numeric", "2"] },
    up: "Ready",
    priceInfo: "price:1",
    rank: 3,
  };
  assert.deepEqual(readCatalogue(confdir({ templates: [template], extra: 1 }), "/conf"), {
    templates: [template],
    problems: [],
  });
});

for (
  const [podSpec, path] of [
    ["pod.yaml", "/conf/pod.yaml"],
    ["sub/other.yaml", "/conf/sub/other.yaml"],
    ["/elsewhere.yaml", "/elsewhere.yaml"],
  ] as const
) {
  Deno.test(`podSpec '${podSpec}' in /conf is '${path}'`, () => {
    const { templates: [template], problems } = readCatalogue(confdir({ templates: [{ ...good, podSpec }] }), "/conf");
    assert.deepEqual(problems, []);
    assert.equal(template && manifestPath("/conf", template), path);
  });
}

const { podSpec: _podSpec, ...withoutPodSpec } = good;
const broken: [template: unknown, says: string[]][] = [
  [{ ...good, templateId: "" }, ["number 1", "templateId"]],
  [{ ...good, templateId: 5 }, ["number 1", "templateId"]],
  [{ ...good, templateId: "Bad", maxNumber: "10" }, ["'Bad'", "maxNumber", "must be a number"]],
  [{ ...good, templateId: "Bad", maxNumber: -2 }, ["'Bad'", "maxNumber", "-1"]],
  [{ ...good, templateId: "Bad", maxNumber: 1.5 }, ["'Bad'", "maxNumber", "whole"]],
  [{ ...good, templateId: "Bad", up: "ready" }, ["'Bad'", "up must be 'Running' or 'Ready'"]],
  [{ ...good, templateId: "Bad", attributes: [] }, ["'Bad'", "attributes"]],
  [{ ...good, templateId: "Bad", attributes: { ...attributes, nram: undefined } }, [
    "'Bad'",
    "attributes.nram is missing",
  ]],
  [{ ...good, templateId: "Bad", extensions: ["slo"] }, ["'Bad'", "extensions must be an object"]],
  [{ ...good, templateId: "Bad", attributes: { ...attributes, nram: ["Numeric", 1024] } }, [
    "'Bad'",
    "attributes.nram",
  ]],
  [{ ...good, templateId: "Bad", attributes: { ...attributes, nram: ["Numeric", "1Gi"] } }, [
    "attributes.nram",
    "number",
  ]],
  [{ ...good, templateId: "Bad", attributes: { ...attributes, nram: ["Number", "1"] } }, [
    "attributes.nram",
    "Numeric",
  ]],
  [{ ...good, templateId: "Bad", attributes: { ...attributes, odd: ["String"] } }, ["'Bad'", "attributes.odd"]],
  [{ ...good, templateId: "Bad", podSpec: "" }, ["'Bad'", "podSpec"]],
  [{ ...good, templateId: "Bad", podSpec: "none.yaml" }, ["'Bad'", "podSpec", "'/conf/none.yaml'", "does not exist"]],
  [{ ...withoutPodSpec, templateId: "Bad" }, ["'Bad'", "podSpec"]],
  [null, ["number 1"]],
  ["Bad", ["number 1"]],
];
for (const [template, says] of broken) {
  Deno.test(`a broken template is named with file and field, and takes no other away: ${JSON.stringify(template)}`, () => {
    const catalogue = readCatalogue(confdir({ templates: [template, good] }), "/conf");
    assert.deepEqual(catalogue.templates, [good]);
    assert.equal(catalogue.problems.length, 1);
    for (const text of [...says, "'/conf/k8sprov_templates.json'"]) {
      assert.ok(catalogue.problems[0]?.includes(text), `${catalogue.problems[0]} should hold ${text}`);
    }
  });
}

Deno.test("of two templates with one id the first counts, and the second is a problem", () => {
  const catalogue = readCatalogue(confdir({ templates: [good, { ...good, maxNumber: 99 }] }), "/conf");
  assert.deepEqual(catalogue.templates, [good]);
  assert.match(catalogue.problems[0] ?? "", /second template 'Good'.*templateId must be unique/);
});

Deno.test("a template is found by its id; else it is said whether it is broken or unknown", () => {
  const catalogue = readCatalogue(
    confdir({ templates: [good, { ...good, templateId: "Bad", maxNumber: "x" }] }),
    "/conf",
  );
  assert.deepEqual(findTemplate(catalogue, "Good"), good);
  assert.throws(() => findTemplate(catalogue, "Bad"), /Cannot use template 'Bad'.*maxNumber/);
  assert.throws(() => findTemplate(catalogue, "None"), {
    message: "Cannot find template 'None'",
    hint: "the templates are 'Good'",
  });
  assert.throws(() => findTemplate({ templates: [], problems: [] }, "None"), { hint: "no template can be used" });
});

for (
  const [what, content, says] of [
    ["is no JSON", "{", /Cannot read the templates file '\/conf\/k8sprov_templates\.json'/],
    ["has no list", {}, /a list 'templates'/],
    ["has something else as its list", { templates: {} }, /a list 'templates'/],
    ["is a list itself", [good], /a list 'templates'/],
  ] as const
) {
  Deno.test(`a templates file that ${what} is an error that names it`, () => {
    assert.throws(() => readCatalogue(confdir(content), "/conf"), says);
  });
}

Deno.test("a template that no answer could hold, or whose manifest is no file, takes no other away", () => {
  const deep = { ...good, templateId: "Deep", site: JSON.parse("[".repeat(1_000) + "]".repeat(1_000)) };
  const files = confdir({ templates: [deep, { ...good, templateId: "Pipe", podSpec: "pipe" }, good] });
  files.pipe("/conf/pipe");
  const { templates, problems } = readCatalogue(files, "/conf");
  assert.deepEqual(templates, [good]);
  assert.match(problems.join("\n"), /'Deep'.*more than 50 levels\n.*'Pipe'.*'\/conf\/pipe' is not a file/);
  assert.throws(() => readCatalogue(confdir({ templates: new Array(10_001).fill({}) }), "/conf"), /more than 10000/);
});

Deno.test("a templates file that is missing or not ours to read is an error that says which", () => {
  assert.throws(
    () => readCatalogue(new MemoryFiles(), "/conf"),
    /'\/conf\/k8sprov_templates\.json': it does not exist/,
  );
  const files = confdir({ templates: [] });
  files.failWhere(({ name }) => name === "readText", notPermitted());
  assert.throws(() => readCatalogue(files, "/conf"), /Permission denied/);
});

Deno.test("without a configuration directory it is said how to name one", () => {
  assert.throws(() => readCatalogue(new MemoryFiles(), undefined), { hint: /--confdir/ });
});

const validate = new Ajv({ strict: false }).compile(templatesSchema);

/** Editors and the verbs say the same of a template. */
function agreesOn(template: unknown): boolean {
  const isValid = v.is(TemplateSchema, template);
  // Undefined is not there in JSON.
  const asJson = JSON.parse(JSON.stringify({ templates: [template] }));
  assert.equal(validate(asJson), isValid, `${JSON.stringify(template)} ${JSON.stringify(validate.errors)}`);
  return isValid;
}

Deno.test("the schema for editors agrees with the catalogue on templates that are good and on those that are not", () => {
  for (
    const more of [{}, { up: "Ready" }, { extensions: { slo: { objective: 1 } } }, { maxNumber: -1 }, { site: [1] }]
  ) {
    assert.ok(agreesOn({ ...good, ...more }), JSON.stringify(more));
  }
  const unreadable = ["none.yaml"];
  for (const [template] of broken) {
    const { podSpec } = (template ?? {}) as { podSpec?: string };
    assert.equal(agreesOn(template), unreadable.includes(podSpec ?? ""), JSON.stringify(template));
  }
  assert.ok(!validate({}) && !validate({ templates: {} }) && !validate([]));
  assert.ok(validate({ $schema: "x", templates: [] }));
});

Deno.test("the schema for editors agrees with the catalogue on templates made of anything", () => {
  const odd = fc.oneof(
    fc.constantFrom(undefined, null, "", "Ready", -1, -2, 0, 1.5, [], {}, ["String", ""], ["Numeric", "1"]),
    fc.tuple(
      fc.constantFrom("String", "Numeric", "Number"),
      fc.oneof(fc.constantFrom("", " ", "1", " 2 ", "-3.5", "4.", ".5", "6e3", "1Gi", "e1"), fc.integer(), fc.string()),
    ).filter(([, text]) => !/^\s*[-+]?(0[xbo]|Infinity)/i.test(String(text))),
  );
  const some = <T>(value: T) => fc.oneof({ weight: 4, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: odd });
  const template = fc.record({
    templateId: some("A"),
    maxNumber: some(1),
    attributes: fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          type: some(attributes.type),
          ncpus: some(attributes.ncpus),
          nram: some(attributes.nram),
          more: some(["Numeric", "1"]),
        }, { requiredKeys: ["type", "ncpus", "nram"] }),
      },
      { weight: 1, arbitrary: odd },
    ),
    podSpec: some("pod.yaml"),
    up: some("Running"),
    extensions: some({ slo: {} }),
  }, { requiredKeys: ["templateId", "maxNumber", "attributes", "podSpec"] });
  let valid = 0;
  fc.assert(fc.property(template, (one) => void (agreesOn(JSON.parse(JSON.stringify(one))) && valid++)), {
    numRuns: 2_000,
  });
  assert.ok(valid > 100, `${valid} were good`);
});
