import assert from "node:assert/strict";
import { parseManifest } from "../../src/templates/manifest.ts";

const pod = { apiVersion: "v1", kind: "Pod", spec: { containers: [{ name: "c", image: "i" }] } };

const readable: [what: string, text: string, manifest: unknown][] = [
  ["JSON", JSON.stringify(pod), pod],
  ["YAML", "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - {name: c, image: i}\n", pod],
  ["YAML that looks like JSON at first", "{apiVersion: v1, kind: Pod, spec: {containers: [{name: c, image: i}]}}", pod],
  ["YAML with a document mark", "---\napiVersion: v1\nkind: Pod\nspec: {containers: [{name: c, image: i}]}\n", pod],
  ["empty metadata, as YAML writes it", JSON.stringify({ ...pod, metadata: null }), { ...pod, metadata: null }],
];
for (const [what, text, manifest] of readable) {
  Deno.test(`a manifest is read from ${what}`, async () => {
    assert.deepEqual(await parseManifest(text, "pod.yaml"), manifest);
  });
}

Deno.test("YAML means what it means to kubectl and to the legacy plug-in", async () => {
  const text = `apiVersion: v1
kind: Pod
x-common: &common {image: i, tty: off}
spec:
  hostNetwork: no
  containers: [{<<: *common, name: c, stdin: yes}]
  volumes: [{name: s, secret: {secretName: s, defaultMode: 0400}}]
  args: ["0400", "no", y, 010:20, 2026-11-20, 0, -1, 0o17]
`;
  const { spec } = await parseManifest(text, "pod.yaml");
  assert.deepEqual(spec, {
    hostNetwork: false,
    containers: [{ image: "i", tty: false, name: "c", stdin: true }],
    volumes: [{ name: "s", secret: { secretName: "s", defaultMode: 0o400 } }],
    args: ["0400", "no", "y", "010:20", "2026-11-20", 0, -1, 0o17],
  });
});

Deno.test("all that the author wrote is kept, known to us or not", async () => {
  const full = {
    ...pod,
    metadata: { name: "x", labels: { a: "b" }, annotations: { c: "d" }, generateName: "y-", finalizers: ["f"] },
    spec: {
      containers: [{ name: "c", image: "i", resources: { limits: { cpu: "1", "nvidia.com/gpu": 1 } }, env: [] }],
      tolerations: [{ key: "k", operator: "Exists" }],
      nodeSelector: { disk: "ssd" },
    },
    future: { field: [1, null] },
  };
  assert.deepEqual(await parseManifest(JSON.stringify(full), "pod.json"), full);
});

/** Ten to the power of nine, from 600 characters. */
function bomb(): string {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let i = 1; i < 10; i++) lines.push(`a${i}: &a${i} [${new Array(10).fill(`*a${i - 1}`).join()}]`);
  return lines.join("\n");
}

const unusable: [what: string, text: string, says: RegExp][] = [
  ["nothing", "", /it /],
  ["a list", "- a\n- b\n", /apiVersion/],
  ["broken YAML", "a: [1\nb: }", /Cannot use the pod manifest 'pod\.yaml'/],
  ["a document that holds itself", "a: &a [*a]", /circular/],
  ["aliases of aliases", bomb(), /[Aa]lias/],
  ["larger than any pod", `{"a":"${"x".repeat(600_000)}"}`, /600008 characters, and may have 524288 as JSON/],
  ["more YAML than can be read at once", `a: ${"x".repeat(200_000)}`, /200003 characters, and may have 65536 as YAML/],
  [
    "larger than its text",
    `a: &a ${"x".repeat(60_000)}\nb: [${"*a, ".repeat(20)}]`,
    /characters, and may have 524288 as JSON/,
  ],
  ["nested without end", "[".repeat(50_000), /more than 500 levels/],
  ["nested without end by lines", "- ".repeat(30_000), /Maximum call stack/],
  ["wrong from end to end", "! ".repeat(30_000), /at most one tag in line 1/],
  ["another kind", JSON.stringify({ ...pod, kind: "Deployment" }), /kind must be Pod/],
  ["another version", JSON.stringify({ ...pod, apiVersion: "v2" }), /apiVersion must be v1/],
  ["no spec", JSON.stringify({ ...pod, spec: undefined }), /spec/],
  ["no containers", JSON.stringify({ ...pod, spec: {} }), /spec\.containers/],
  ["an empty list of containers", JSON.stringify({ ...pod, spec: { containers: [] } }), /at least one container/],
  ["a container without a name", JSON.stringify({ ...pod, spec: { containers: [{}] } }), /spec\.containers\.0\.name/],
  ["a label that is a number", JSON.stringify({ ...pod, metadata: { labels: { a: 1 } } }), /metadata\.labels\.a/],
  ["an annotation that is a list", JSON.stringify({ ...pod, metadata: { annotations: { a: [] } } }), /annotations\.a/],
];
for (const [what, text, says] of unusable) {
  Deno.test(`a manifest that is or has ${what} is refused; file and field are named`, async () => {
    await assert.rejects(parseManifest(text, "pod.yaml"), (error: Error) => {
      assert.equal(error.name, "HostFactoryError");
      assert.match(error.message, /^Cannot use the pod manifest 'pod\.yaml': /);
      assert.match(error.message, says);
      return true;
    });
  });
}

Deno.test("what is wrong with a manifest is said without showing the file: it may be anybody's", async () => {
  await assert.rejects(parseManifest("root:x:0:0\nsecret: [\n", "pod.yaml"), (error: Error) => {
    assert.doesNotMatch(error.message, /root|secret|\n/);
    assert.match(error.message, /in line \d/);
    return true;
  });
  await assert.rejects(parseManifest("s3cret\n", "pod.yaml"), { message: /'pod\.yaml': it must be an object$/ });
});

Deno.test("labels and annotations may have the names of what every object has", async () => {
  const labels = { constructor: "a", prototype: "b", toString: "c" };
  const manifest = { ...pod, metadata: { labels, annotations: labels } };
  assert.deepEqual(await parseManifest(JSON.stringify(manifest), "pod.yaml"), manifest);
});

Deno.test("a field with a long name is cut in the message", async () => {
  const manifest = { ...pod, metadata: { labels: { ["x".repeat(5_000)]: 1 } } };
  await assert.rejects(parseManifest(JSON.stringify(manifest), "pod.yaml"), { message: /^.{50,300}must be a string$/ });
});
