import assert from "node:assert/strict";
import { podFileText, readPodFacts, readPodFile, readTolerations } from "../../src/workdir/pod_file.ts";
import type { Pod } from "../../src/kube/types.ts";
import { furnishExisting } from "../support/legacy_workdir.ts";
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

const facts = {
  uid: "u",
  resourceVersion: "7",
  privateIpAddress: "10.0.0.1",
  createdAt: 1_795_209_813,
  startedAt: undefined,
  deletionAt: undefined,
};
const pods: [what: string, pod: unknown, facts: unknown][] = [
  ["ours", {
    metadata: { name: "a-0", uid: "u", resourceVersion: "7", creationTimestamp: "2026-11-20T21:23:33Z" },
    status: { podIP: "10.0.0.1", phase: "Running" },
  }, facts],
  ["the legacy plug-in's", {
    metadata: {
      name: "a-0",
      uid: "u",
      resource_version: "7",
      creation_timestamp: 1_795_209_813,
      deletion_timestamp: null,
    },
    status: { pod_ip: "10.0.0.1", phase: "Running" },
  }, { ...facts, resourceVersion: undefined }],
  ["ours, being deleted", {
    metadata: {
      name: "a-0",
      uid: "u",
      creationTimestamp: "2026-11-20T21:23:33Z",
      deletionTimestamp: "2026-11-20T21:24:00Z",
    },
    status: {},
  }, { ...facts, resourceVersion: undefined, privateIpAddress: "", deletionAt: 1_795_209_840 }],
  ["the legacy plug-in's, being deleted", {
    metadata: { name: "a-0", uid: "u", creation_timestamp: 1_795_209_813, deletion_timestamp: 1_795_209_840 },
    status: { pod_ip: null },
  }, { ...facts, resourceVersion: undefined, privateIpAddress: "", deletionAt: 1_795_209_840 }],
  ["one without a state", { metadata: { name: "a-0", uid: "u" } }, {
    ...facts,
    resourceVersion: undefined,
    privateIpAddress: "",
    createdAt: undefined,
  }],
  ["ours, hindered", {
    metadata: { name: "a-0", uid: "u" },
    hostfactory: { hindered: { since: 1_795_209_820, isCertain: false } },
  }, {
    ...facts,
    resourceVersion: undefined,
    privateIpAddress: "",
    createdAt: undefined,
    hindered: { since: 1_795_209_820, isCertain: false },
  }],
  ["ours, ended", { metadata: { name: "a-0", uid: "u" }, hostfactory: { endedAt: 1_795_209_820 } }, {
    ...facts,
    resourceVersion: undefined,
    privateIpAddress: "",
    createdAt: undefined,
    endedAt: 1_795_209_820,
  }],
  ["one without a uid", { metadata: { name: "a-0" } }, undefined],
  ["no pod", [], undefined],
];
for (const [what, pod, expected] of pods) {
  Deno.test(`the facts of a pod file are read: ${what}`, () => {
    const { files, workdir } = memoryProvider();
    files.writeText("/work/pods/a-0", JSON.stringify(pod));
    assert.deepEqual(readPodFacts(workdir, "a-0"), expected);
  });
}

Deno.test("there are no facts where there is no pod file, a torn one, or one with numbers that no answer can hold", () => {
  const { files, workdir } = memoryProvider();
  assert.equal(readPodFacts(workdir, "a-0"), undefined);
  files.writeText("/work/pods/a-0", '{"metadata": {"na');
  assert.equal(readPodFacts(workdir, "a-0"), undefined);
  const pod = { metadata: { name: "a-0", uid: "u" }, spec: { terminationGracePeriodSeconds: 30 } };
  files.writeText("/work/pods/a-0", JSON.stringify(pod).replace("30", "1e999"));
  assert.equal(readPodFacts(workdir, "a-0"), undefined);
});

Deno.test("the facts of a real pod file of the legacy plug-in are read", () => {
  const { files, workdir } = memoryProvider();
  furnishExisting(files, "");
  assert.deepEqual(readPodFacts(workdir, "caklqmeteuqr-1"), {
    uid: "40eafbf1-bc0e-4051-8dba-7894a91cbeb6",
    resourceVersion: undefined,
    privateIpAddress: "10.0.0.2",
    createdAt: 1_795_209_813,
    startedAt: undefined,
    deletionAt: undefined,
    place: { node: "node-0001", graceSeconds: 5 },
  });
  assert.deepEqual(
    readTolerations(workdir, "caklqmeteuqr-1"),
    ["not-ready", "unreachable"].map((what) => ({
      effect: "NoExecute",
      key: `node.kubernetes.io/${what}`,
      operator: "Exists",
      toleration_seconds: 300,
      value: null,
    })),
  );
  assert.throws(() => readTolerations(workdir, "another-0"), /cannot be read/);
});

const ofUs: Pod = {
  metadata: {
    name: "a-0",
    uid: "u",
    resourceVersion: "7",
    creationTimestamp: "2026-11-20T21:23:33Z",
    deletionTimestamp: "2026-11-20T21:24:00Z",
    annotations: { note: "two\nlines, and }" },
  },
  spec: { nodeName: "n", terminationGracePeriodSeconds: 5, containers: [] },
  status: {
    podIP: "10.0.0.1",
    containerStatuses: [{
      name: "c",
      ready: true,
      restartCount: 0,
      state: { running: { startedAt: "2026-11-20T21:23:40Z" } },
    }],
  },
};
const notes = { seenAt: 5, hindered: { what: "its image", since: 4, seenAt: 6, isCertain: false } };
const factsOfOurs = {
  uid: "u",
  resourceVersion: "7",
  privateIpAddress: "10.0.0.1",
  createdAt: 1_795_209_813,
  startedAt: 1_795_209_820,
  deletionAt: 1_795_209_840,
  ...notes,
  place: { node: "n", graceSeconds: 5 },
};

function factsIn(text: string) {
  const { files, workdir } = memoryProvider();
  files.writeText("/work/pods/a-0", text);
  return { facts: readPodFacts(workdir, "a-0"), pod: readPodFile(workdir, "a-0"), workdir };
}

Deno.test("a pod file is read as it was written, its facts from the first line, and from the rest once it was edited", () => {
  const text = podFileText(ofUs, notes);
  assert.equal(text.split("\n").length, 3);
  const { facts, pod } = factsIn(text);
  assert.deepEqual(facts, factsOfOurs);
  assert.deepEqual([pod?.spec.nodeName, pod?.hostfactory?.hindered?.what], ["n", "its image"]);
  const formatted = JSON.stringify(JSON.parse(text), undefined, 2);
  for (const edited of [text.replace('n","term', 'another","term'), formatted.replaceAll('"n"', '"another"')]) {
    assert.notEqual(edited, text);
    assert.deepEqual(factsIn(edited).facts, { ...factsOfOurs, place: { ...factsOfOurs.place, node: "another" } });
  }
});

Deno.test("what is left of a torn pod file is none, wherever it broke off", () => {
  const text = podFileText(ofUs, notes);
  for (let length = 0; length < text.length - 1; length++) {
    const { facts, workdir } = factsIn(text.slice(0, length));
    assert.equal(facts, undefined, text.slice(0, length));
    assert.equal(workdir.broken.size, 1);
  }
  assert.deepEqual(factsIn(text.trimEnd()).facts, factsOfOurs, "its last newline alone is not missed");
});
