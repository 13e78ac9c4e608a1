/** Holds the schemas in `scripts` to what the program takes, and the examples of the documentation to the schemas. */
import assert from "node:assert/strict";
import { Ajv, type ValidateFunction } from "ajv";
import fc from "fast-check";
import { parse } from "yaml";
import { readRegistration } from "../src/extensions/registration.ts";
import { filesBelow, readFromTree } from "./support/tree.ts";

const ajv = new Ajv({ allErrors: true });

/** By the name of the file, without its ending. */
const messages = new Map(
  filesBelow("scripts/schemas/messages", ".schema.json").map((file) => [
    file.replace(/^.*\/|\.schema\.json$/g, ""),
    ajv.compile(JSON.parse(readFromTree(file))),
  ]),
);
const registration = ajv.compile(JSON.parse(readFromTree("scripts/schemas/extension.schema.json")));
const crd = parse(readFromTree("scripts/extensions/crd.yaml"));
const specOfResource = crd.spec.versions[0].schema.openAPIV3Schema.properties.spec;
/** As the API server takes it, but for rules in CEL, which say what `dependencies` say. */
const resource = new Ajv({ strict: false, allErrors: true }).compile(specOfResource);

const page = readFromTree("docs/extensions.md");

/** The examples of the documentation in a language. */
function examples(language: string): string[] {
  return Array.from(page.matchAll(new RegExp("```" + language + "\\n([^]*?)```", "g")), ([, text = ""]) => text);
}

function assertValid(validate: ValidateFunction | undefined, document: unknown): void {
  assert.ok(validate?.(document), JSON.stringify(validate?.errors));
}

Deno.test("the registration of the documentation is one, to the schema and to the program", () => {
  const [text = ""] = examples("yaml");
  const document = parse(text);
  assertValid(registration, document);
  assert.deepEqual(errorsOf(document), []);
});

Deno.test("the resource of the documentation is one, to its definition and to the program", () => {
  const [, text = ""] = examples("yaml");
  const { apiVersion, kind, metadata, spec } = parse(text);
  assert.equal(apiVersion, `${crd.spec.group}/${crd.spec.versions[0].name}`);
  assert.equal(kind, crd.spec.names.kind);
  assert.equal(metadata.name, "annotater");
  assertValid(resource, spec);
  assert.deepEqual(errorsOfResource(spec), []);
});

Deno.test("every message of the documentation is one to its schema, and every schema has an example", () => {
  const shown = examples("json").map((text) => JSON.parse(text));
  const [whole] = shown.filter(({ hook }) => hook === "pre-create");
  const { machine: _machine, pod: _pod, ...withoutMachine } = whole;
  const seen = new Set<string>();
  for (const document of shown) {
    const [name, message] = document.answers
      ? ["pre-create-batch-answer", document]
      : document.findings
      ? ["lint-answer", document]
      : document.machines
      ? ["pre-create-batch-request", { ...withoutMachine, ...document }]
      : [`${document.hook}-request`, document];
    assertValid(messages.get(name), message);
    seen.add(name);
  }
  assert.deepEqual([...seen].sort(), [...messages.keys()].sort());
});

Deno.test("a message that lacks something, or says something else, is none", () => {
  const [request, , lint] = examples("json").map((text) => JSON.parse(text)).filter(({ hook }) => hook);
  for (const key of Object.keys(request)) {
    assert.ok(!messages.get("pre-create-request")?.({ ...request, [key]: undefined }), key);
  }
  assert.ok(!messages.get("pre-create-request")?.(lint));
  assert.ok(!messages.get("pre-create-batch-answer")?.({ answers: [{ status: 200 }] }));
  assert.ok(!messages.get("lint-answer")?.({ findings: [{ severity: "fatal", message: "x" }] }));
  assert.ok(!messages.get("lint-answer")?.({ findings: [{ severity: "error", message: "x", path: "a" }] }));
});

const good = { name: "a", hooks: { lint: "https://a/" } };

/** Values of each field, right and wrong; none of a URL that leads to an address, of which schemas know nothing. */
const numbers = [-1, 0, 1, 60, 61, 600, 601, 1000, 1001, 3600, 3601, 1.5, "5", null, 1_000_001];
const texts = ["a", "A", "", "a-b", "-a", "a".repeat(63), "a".repeat(64), "x".repeat(500), "x".repeat(501), 5, null];
const urls = [
  "https://a",
  "http://a/b?c",
  "https://a:1/",
  "HTTPS://a",
  "https://u@a/",
  "https://a/#b",
  "ftp://a",
  "",
  5,
];
const peers = [[], ["a"], ["category:a"], ["category:"], ["A"], [5], "a", Array(100).fill("a"), Array(101).fill("a")];
const pointers = [
  [],
  ["/spec"],
  ["/spec/a~1b"],
  ["/spec/~2"],
  ["/specs"],
  ["/metadata/labels"],
  ["/metadata"],
  [5],
  "x",
];
const files = ["a", "a.key", ".a", "", 5, null];
const values: Record<string, unknown[]> = {
  name: texts,
  maintainer: texts,
  repository: texts,
  category: texts,
  hooks: [...urls.map((lint) => ({ lint })), ...urls.map((notify) => ({ notify, x: "y" })), {}, { x: 5 }, [], [
    "https://a",
  ], null],
  before: peers,
  after: peers,
  priority: numbers,
  failurePolicy: ["fail", "ignore", "Fail", null],
  timeoutSeconds: numbers,
  retrySeconds: numbers,
  drainSeconds: numbers,
  batch: numbers,
  mayChange: pointers,
  caBundle: ["-----BEGIN CERTIFICATE-----\nx", "x", "", 5],
  credentials: [
    ...files.map((tokenFile) => ({ tokenFile })),
    { clientKeyFile: "a" },
    { clientKeyFile: "a", clientCertificateFile: "b" },
    { bogus: "a" },
    {},
    [],
    null,
  ],
  bogus: [1],
};

function errorsOf(document: unknown): string[] {
  const place = { registration: { kind: "file" as const, path: "/f" }, called: "f", directory: "/" };
  const { problems } = readRegistration(document, place);
  return problems.filter(({ severity }) => severity === "error").map(({ message }) => message);
}

function errorsOfResource(spec: unknown): string[] {
  const place = { registration: { kind: "resource" as const, name: "a", uid: "1" }, called: "a", directory: "/" };
  const { problems } = readRegistration(spec, place);
  return problems.filter(({ severity }) => severity === "error").map(({ message }) => message);
}

const cases = Object.entries(values).flatMap(([field, some]) => some.map((value): [string, unknown] => [field, value]));
const allowed: [string, unknown][] = [["loopback"], ["link-local", "loopback"], ["private"], "loopback"].map((
  value,
) => [
  "allowAddresses",
  value,
]);

for (const [field, value] of [...cases, ...allowed]) {
  Deno.test(`of a file, schema and program agree on ${field}: ${JSON.stringify(value).slice(0, 80)}`, () => {
    const document = { ...good, [field]: value };
    assert.equal(registration(document), errorsOf(document).length === 0, errorsOf(document).join());
  });
}

Deno.test("of any file, schema and program agree", () => {
  const field = (some: unknown[]) => fc.option(fc.constantFrom(...some.slice(0, 5)), { nil: undefined });
  const documents = fc.record(Object.fromEntries(Object.entries(values).map(([name, some]) => [name, field(some)])));
  fc.assert(fc.property(documents, (document) => {
    const given = JSON.parse(JSON.stringify(document));
    assert.equal(registration(given), errorsOf(given).length === 0);
  }));
});

Deno.test("every field of a registration is one of the resource, but for the name and what a file alone may say", () => {
  const { properties } = JSON.parse(readFromTree("scripts/schemas/extension.schema.json"));
  const { name: _name, allowAddresses: _allowAddresses, ...rest } = properties;
  assert.deepEqual(Object.keys(specOfResource.properties), Object.keys(rest));
  for (const [field, { default: standard }] of Object.entries<{ default?: unknown }>(specOfResource.properties)) {
    if (standard !== undefined) assert.deepEqual(standard, rest[field].default, field);
  }
});

/** What the API server takes away before it looks, or says in CEL; kinds of hooks that are not known need not have URLs in files. */
const isBeyondResource = (field: string, value: unknown) =>
  ["name", "bogus"].includes(field) ||
  ["bogus", '{"clientKeyFile":"a"}', '"x":"y"'].some((text) => JSON.stringify(value).includes(text));

for (const [field, value] of cases.filter(([field, value]) => !isBeyondResource(field, value))) {
  Deno.test(`of a resource, definition and program agree on ${field}: ${JSON.stringify(value).slice(0, 80)}`, () => {
    const spec = { hooks: good.hooks, [field]: value };
    assert.equal(resource(spec), errorsOfResource(spec).length === 0, errorsOfResource(spec).join());
  });
}
