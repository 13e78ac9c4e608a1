import assert from "node:assert/strict";
import type { Manifest } from "../../src/templates/manifest.ts";
import { buildPod, type PodOrder, REQUEST_ANNOTATION } from "../../src/templates/podspec.ts";

const manifest = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "placeholder",
    namespace: "theirs",
    labels: { app: "sym", team: "risk" },
    annotations: { note: "kept" },
    finalizers: ["f"],
  },
  spec: { containers: [{ name: "c", image: "i" }], restartPolicy: "Never" },
} as unknown as Manifest;

const order: PodOrder = {
  machine: "req-4",
  requestId: "req",
  index: 4,
  count: 9,
  templateId: "T1",
  requestedAt: 1_795_000_000,
  instance: "grid-a",
  workdir: "workdir00001",
};

Deno.test("a pod is the manifest, but for name, our labels and our annotation", () => {
  assert.deepEqual(buildPod(manifest, order), {
    ...manifest,
    metadata: {
      name: "req-4",
      namespace: "theirs",
      labels: {
        app: "req-4",
        team: "risk",
        "symphony/hostfactory-reqid": "req",
        "symphony/hostfactory-instance": "grid-a",
        "symphony/hostfactory-workdir": "workdir00001",
        "symphony/hostfactory-template": "T1",
      },
      annotations: {
        note: "kept",
        "symphony/hostfactory-request": '{"templateId":"T1","count":9,"index":4,"requestedAt":1795000000}',
      },
      finalizers: ["f"],
    },
  });
});

Deno.test("a pod whose template wants it Ready says so, for whoever follows it", () => {
  const { annotations } = buildPod(manifest, { ...order, up: "Ready" }).metadata;
  assert.equal(JSON.parse(annotations[REQUEST_ANNOTATION] ?? "").up, "Ready");
});

Deno.test("building a pod leaves the manifest as it was", () => {
  const before = structuredClone(manifest);
  buildPod(manifest, order);
  assert.deepEqual(manifest, before);
});

Deno.test("a manifest without metadata gets what it needs", () => {
  for (const metadata of [undefined, null]) {
    const pod = buildPod({ ...manifest, metadata } as Manifest, order);
    assert.equal(pod.metadata.name, "req-4");
    assert.equal(pod.metadata.labels["app"], "req-4");
  }
});

for (
  const [templateId, isLabel] of [
    ["T1", true],
    ["a.b_c-d", true],
    ["x".repeat(63), true],
    ["x".repeat(64), false],
    ["large machines", false],
    ["-x", false],
    ["größe", false],
    [undefined, false],
  ] as const
) {
  Deno.test(`template ${templateId} ${isLabel ? "becomes" : "cannot become"} a label, and is in the annotation`, () => {
    const { labels, annotations } = buildPod(manifest, { ...order, templateId }).metadata;
    assert.equal(labels["symphony/hostfactory-template"], isLabel ? templateId : undefined);
    assert.equal(JSON.parse(annotations["symphony/hostfactory-request"] ?? "").templateId, templateId);
  });
}
