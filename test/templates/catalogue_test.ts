import assert from "node:assert/strict";
import { findTemplate, manifestPath, readCatalogue } from "../../src/templates/catalogue.ts";
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
  [{ ...good, templateId: "Bad", attributes: { ...attributes, nram: undefined } }, ["'Bad'", "attributes.nram"]],
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
