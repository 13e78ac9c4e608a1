import assert from "node:assert/strict";
import { forbiddenChanges } from "../../src/extensions/pod_changes.ts";
import type { Manifest } from "../../src/templates/manifest.ts";
import { buildPod } from "../../src/templates/podspec.ts";
import { manifest } from "../support/memory_provider.ts";

const order = { machine: "req-0", requestId: "req", index: 0, count: 1, templateId: "T", requestedAt: 0 };
const pod = buildPod(manifest as Manifest, { ...order, instance: "k8s-hf", workdir: "w" });
const all = ["/metadata/labels", "/metadata/annotations", "/spec"];

// deno-lint-ignore no-explicit-any -- a hook may answer anything
type Edit = (pod: any) => void;
const cases: [what: string, edit: Edit, forbidden: string[], mayChange?: string[]][] = [
  ["nothing", () => {}, []],
  ["a label is added", ({ metadata }) => Object.assign(metadata.labels, { team: "risk" }), []],
  ["a container is added", ({ spec }) => spec.containers.push({ name: "s" }), []],
  [
    "a container is added within a narrower right",
    ({ spec }) => spec.containers.push({ name: "s" }),
    [],
    [
      "/spec/containers",
    ],
  ],
  ["more than the narrower right", ({ spec }) => void (spec.hostNetwork = true), ["/spec/hostNetwork"], [
    "/spec/containers",
  ]],
  ["a right is no prefix of another name", ({ spec }) => void (spec.containersToo = 1), ["/spec/containersToo"], [
    "/spec/containers",
  ]],
  ["the name", ({ metadata }) => void (metadata.name = "other"), ["/metadata/name"]],
  ["a namespace", ({ metadata }) => void (metadata.namespace = "other"), ["/metadata/namespace"]],
  ["the kind", (one) => void Object.assign(one, { kind: "Node" }), ["/kind"]],
  ["a status", (one) => void Object.assign(one, { status: {} }), ["/status"]],
  ["our label", ({ metadata }) => Object.assign(metadata.labels, { "symphony/hostfactory-reqid": "x" }), [
    "/metadata/labels/symphony~1hostfactory-reqid",
  ]],
  ["the label app", ({ metadata }) => Object.assign(metadata.labels, { app: "x" }), [
    "/metadata/labels/app",
  ]],
  [
    "our annotation is added",
    ({ metadata }) => Object.assign(metadata.annotations, { "symphony/hostfactory-return": "{}" }),
    [
      "/metadata/annotations/symphony~1hostfactory-return",
    ],
  ],
  ["all labels are taken away", ({ metadata }) => void delete metadata.labels, ["/metadata/labels"]],
  ["all annotations are something else", ({ metadata }) => void (metadata.annotations = []), [
    "/metadata/annotations",
  ]],
];
for (const [what, edit, forbidden, mayChange = all] of cases) {
  Deno.test(`what a hook may change: ${what}`, () => {
    const changed = structuredClone(pod);
    edit(changed);
    assert.deepEqual(forbiddenChanges(pod, changed, mayChange), forbidden);
  });
}

Deno.test("what is no pod at all is forbidden as a whole", () => {
  for (const answer of [undefined, null, "pod", []]) assert.deepEqual(forbiddenChanges(pod, answer, all), [""]);
});
