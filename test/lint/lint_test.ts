import assert from "node:assert/strict";
import fc from "fast-check";
import { lint, type LintOptions, type LintResult } from "../../src/lint/lint.ts";
import { MemoryFiles } from "../support/memory_files.ts";

const attributes = { type: ["String", "X86_64"], ncpus: ["Numeric", "1"], nram: ["Numeric", "1024"] };
const template = { templateId: "A", maxNumber: -1, attributes, podSpec: "pod.yaml" };
const pod = `kind: Pod
apiVersion: v1
spec:
  restartPolicy: Never
  containers:
    - name: c
      image: c:1
      resources: {requests: {cpu: 1, memory: 1Gi}}
`;

async function linted(files: Record<string, string>, options: Partial<LintOptions> = {}): Promise<LintResult> {
  const memory = new MemoryFiles();
  memory.makeDirectory("/conf/sub");
  for (const [path, text] of Object.entries(files)) memory.writeText(path, text);
  const extensions = { registry: { extensions: [], blocked: [], problems: [] }, directory: "/conf/extensions.d" };
  return await lint({ files: memory, paths: [], confdir: "/conf", currentDirectory: "/conf", extensions, ...options });
}

const templates = (...list: unknown[]) => JSON.stringify({ templates: list }, undefined, 2);
const rulesIn = ({ findings }: LintResult) => findings.map(({ rule, file }) => `${file} ${rule}`);

Deno.test("a configuration that is well has no findings, and every file is named", async () => {
  const { findings, files } = await linted({
    "/conf/k8sprov_templates.json": templates(template, { ...template, templateId: "B" }),
    "/conf/pod.yaml": pod,
  });
  assert.deepEqual(findings, []);
  assert.deepEqual(files, ["k8sprov_templates.json", "pod.yaml"]);
});

Deno.test("a finding says where it is, by line, column and pointer, in JSON and in YAML", async () => {
  const { findings } = await linted({
    "/conf/k8sprov_templates.json": templates({ ...template, maxNumber: 0 }),
    "/conf/pod.yaml": pod.replace("image: c:1", "image: &i c:latest"),
  });
  assert.deepEqual(findings.map(({ file, line, column, path }) => [file, line, column, path]), [
    ["k8sprov_templates.json", 5, 7, "/templates/0/maxNumber"],
    ["pod.yaml", 7, 7, "/spec/containers/0/image"],
  ]);
});

Deno.test("a manifest that several templates name is linted once, and that of a broken template, too", async () => {
  const list = templates(template, { ...template, templateId: "B" }, { templateId: "C", podSpec: "sub/other.yaml" });
  const broken = pod.replace("Never", "Always");
  const result = await linted({
    "/conf/k8sprov_templates.json": list,
    "/conf/pod.yaml": broken,
    "/conf/sub/other.yaml": broken,
  });
  assert.deepEqual(rulesIn(result), [
    "k8sprov_templates.json template-schema",
    "k8sprov_templates.json template-schema",
    "pod.yaml restart-policy",
    "sub/other.yaml restart-policy",
  ]);
});

Deno.test("files that are given are told apart by what is in them, and nothing else is linted", async () => {
  const files = {
    "/conf/k8sprov_templates.json": "{",
    "/conf/sub/pod.yaml": pod,
    "/conf/list": templates({ ...template, podSpec: "sub/pod.yaml" }),
    "/conf/slo.yaml": "name: slo\nhooks: {}\n",
  };
  const paths = ["/conf/sub/pod.yaml", "/conf/list", "/conf/slo.yaml"];
  assert.deepEqual(rulesIn(await linted(files, { paths })), []);
});

Deno.test("a rule that is disabled finds nothing", async () => {
  const files = {
    "/conf/k8sprov_templates.json": templates(template),
    "/conf/pod.yaml": pod.replace("Never", "Always"),
  };
  assert.deepEqual(rulesIn(await linted(files, { disabled: ["restart-policy"] })), []);
});

Deno.test("the fault in a text that is no JSON is where it is, and what it quotes is not shown", async () => {
  const text = `{\n  "templates": [\n    {"token": secret}\n  ]\n}`;
  const { findings: [finding] } = await linted({ "/conf/k8sprov_templates.json": text });
  assert.deepEqual([finding?.line, finding?.column], [3, 15]);
  assert.ok(!finding?.message.includes("secret"), finding?.message);
});

Deno.test("what a template says to an extension is in no finding", async () => {
  const files = {
    "/conf/k8sprov_templates.json": templates({ ...template, maxNumber: "x", extensions: { slo: "geheim" } }),
    "/conf/pod.yaml": pod,
  };
  const result = await linted(files);
  assert.ok(result.findings.length > 0);
  assert.ok(!JSON.stringify(result).includes("geheim"));
});

Deno.test("whatever is in the files, lint comes to an end and says where each finding is", async () => {
  const junk = fc.oneof(fc.jsonValue(), fc.constantFrom(template, { kind: "Pod", spec: { containers: [{}] } }));
  const document = fc.oneof(
    junk.map((value) => JSON.stringify(value)),
    fc.array(junk).map((list) => templates(...list)),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(document, document, async (list, manifest) => {
      const files = { "/conf/k8sprov_templates.json": list, "/conf/pod.yaml": manifest };
      for (const paths of [[], ["/conf/pod.yaml"]]) {
        const { findings } = await linted(files, { paths, profile: "restricted" });
        for (const { line, column, message, mend } of findings) {
          assert.ok(line >= 1 && column >= 1 && message !== "" && mend !== "");
        }
      }
    }),
    { numRuns: 200 },
  );
});

Deno.test("a pod with fields of any type is linted without a fall", async () => {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom({}, [], [{}], "x", 0, null));
  const fields = fc.dictionary(
    fc.constantFrom("securityContext", "volumes", "initContainers", "resources", "hostNetwork", "os", "image", "ports"),
    value,
  );
  await fc.assert(
    fc.asyncProperty(fields, fields, fc.option(value), async (spec, container, metadata) => {
      const containers = [{ name: "c", ...container }];
      const manifest = JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec: { ...spec, containers } });
      await linted({ "/conf/pod.json": manifest }, { paths: ["/conf/pod.json"], profile: "restricted" });
    }),
    { numRuns: 200 },
  );
});
