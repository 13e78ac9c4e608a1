import assert from "node:assert/strict";
import { readPodFile } from "../../src/workdir/pod_file.ts";
import { memoryProvider } from "../support/memory_provider.ts";

const whole = {
  kind: "Pod",
  metadata: { uid: "u", creationTimestamp: "2026-11-22T10:00:00Z", labels: { app: "a-0" } },
  spec: { nodeName: "n", containers: [{ name: "c" }] },
  status: { phase: "Running", podIP: "10.0.0.1", conditions: [{ type: "Ready", status: "True" }] },
  hostfactory: { seenAt: 5, hindered: { what: "its image", isCertain: false } },
};

function read(pod: unknown): unknown {
  const { files, workdir } = memoryProvider();
  files.writeText("/work/pods/a-0", JSON.stringify(pod));
  return readPodFile(workdir, "a-0");
}

Deno.test("a pod is read whole, what is not looked at included", () => {
  assert.deepEqual(read(whole), whole);
});

Deno.test("what only the legacy plug-in's keys say is read from these", () => {
  const pod = read({
    metadata: { uid: "u", creation_timestamp: 1795341600, creationTimestamp: undefined },
    spec: {},
    status: { pod_ip: "10.0.0.2" },
  }) as typeof whole;
  assert.equal(pod.metadata.creationTimestamp, "2026-11-22T10:00:00.000Z");
  assert.equal(pod.status.podIP, "10.0.0.2");
});

const broken: [what: string, pod: unknown][] = [
  ["no object", "pod"],
  ["no metadata", { ...whole, metadata: undefined }],
  ["no uid", { ...whole, metadata: {} }],
  ["a time that is no text", { ...whole, metadata: { ...whole.metadata, creationTimestamp: 5 } }],
  ["no spec", { ...whole, spec: undefined }],
  ["no status", { ...whole, status: undefined }],
  ["an address that is no text", { ...whole, status: { podIP: 7 } }],
  ["notes that are none", { ...whole, hostfactory: { hindered: { isCertain: "no" } } }],
];
for (const [what, pod] of broken) {
  Deno.test(`a file with ${what} holds no pod`, () => assert.equal(read(pod), undefined));
}
