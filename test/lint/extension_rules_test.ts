import assert from "node:assert/strict";
import type { Extension } from "../../src/extensions/extension.ts";
import { hookFindings, type LintDocument, type LintedTemplate, type LintHook } from "../../src/lint/extension_rules.ts";
import { SourceFile } from "../../src/lint/source_file.ts";

const attributes = { type: ["String", "X86_64"], ncpus: ["Numeric", "1"], nram: ["Numeric", "1024"] };
const template = {
  templateId: "A",
  maxNumber: 1,
  attributes,
  podSpec: "pod.json",
  extensions: { slo: { objective: 1 }, other: { token: "geheim" } },
};
const manifest = { apiVersion: "v1" as const, kind: "Pod" as const, spec: { containers: [{ name: "c" }] } };
const pretty = (value: unknown) => JSON.stringify(value, undefined, 1);
const linted: LintedTemplate = {
  template,
  path: ["templates", 0],
  source: new SourceFile("list.json", { text: pretty({ templates: [template] }), value: undefined }),
  manifest,
  manifestSource: new SourceFile("pod.json", { text: pretty(manifest), value: undefined }),
};

function side(hook: LintHook, ...names: string[]) {
  const extensions = names.map((name) => ({ name, hooks: { lint: `https://${name}/lint` } }) as unknown as Extension);
  return { registry: { extensions, blocked: [], problems: [] }, directory: "extensions.d", hook };
}

Deno.test("a hook is sent the template without the configuration of others, and its own beside it", async () => {
  const sent: LintDocument[] = [];
  const hook: LintHook = (_, document) => {
    sent.push(document);
    return Promise.resolve([]);
  };
  assert.deepEqual(await hookFindings(linted, side(hook, "slo", "plain")), []);
  const { extensions: _, ...bare } = template;
  assert.deepEqual(sent, [
    {
      version: 1,
      hook: "lint",
      extension: "slo",
      template: { ...bare, extensions: { slo: { objective: 1 } } },
      manifest,
      configuration: { objective: 1 },
    },
    { version: 1, hook: "lint", extension: "plain", template: bare, manifest, configuration: null },
  ]);
});

Deno.test("what a hook finds is shown under its name, at the place in our files that it speaks of", async () => {
  const paths = ["/configuration/objective", "/template/maxNumber", "/manifest/spec/containers/0", "", "/else"];
  const hook: LintHook = () =>
    Promise.resolve(paths.map((path) => ({ severity: "info", path, message: "so", rule: "objective" })));
  const findings = await hookFindings(linted, side(hook, "slo"));
  assert.deepEqual(findings.map(({ file, path }) => `${file} ${path}`), [
    "list.json /templates/0/extensions/slo/objective",
    "list.json /templates/0/maxNumber",
    "pod.json /spec/containers/0",
    "list.json /templates/0",
    "list.json /templates/0",
  ]);
  for (const { rule, severity, message } of findings) {
    assert.deepEqual({ rule, severity, message }, { rule: "slo/objective", severity: "info", message: "so" });
  }
  assert.equal(findings[2]?.line, 6);
});
