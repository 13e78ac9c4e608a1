import assert from "node:assert/strict";
import { MACHINE_STATES } from "../../src/hf/status.ts";
import {
  readPodFacts,
  readState,
  readTombstone,
  writeFirstState,
  writeState,
  writeTombstone,
} from "../../src/workdir/machines.ts";
import type { Tombstone } from "../../src/machine/tombstone.ts";
import { furnishExisting } from "../support/existing_workdir.ts";
import { memoryProvider } from "../support/memory_provider.ts";

Deno.test("every word is read as it was written, as the target of a link", () => {
  const { files, workdir } = memoryProvider();
  for (const word of MACHINE_STATES) {
    writeState(workdir, "a-0", word);
    assert.equal(readState(workdir, "a-0"), word);
    assert.deepEqual(files.tree("/work/pods-status"), { "a-0": `-> ${word}` });
  }
});

Deno.test("a word that is there already is not written again", () => {
  const { files, workdir } = memoryProvider();
  writeState(workdir, "a-0", "running");
  const writes = files.writes.length;
  writeState(workdir, "a-0", "running");
  assert.equal(files.writes.length, writes);
});

Deno.test("a path is read by its last name; no link and no word that we know are nothing", () => {
  const { files, workdir } = memoryProvider();
  files.symlink("/elsewhere/pods-status/running", "/work/pods-status/path-0");
  files.symlink("resting", "/work/pods-status/odd-0");
  assert.equal(readState(workdir, "path-0"), "running");
  assert.equal(readState(workdir, "odd-0"), undefined);
  assert.equal(readState(workdir, "none-0"), undefined);
});

Deno.test("the first word is written only where there is none", () => {
  const { workdir } = memoryProvider();
  writeFirstState(workdir, "a-0");
  assert.equal(readState(workdir, "a-0"), "creating");
  writeState(workdir, "a-0", "running");
  writeFirstState(workdir, "a-0");
  assert.equal(readState(workdir, "a-0"), "running");
});

const record: Tombstone = { up: true, returned: false, givenUp: false, message: "why", uid: "u", launchtime: 5 };

Deno.test("what was noted of a machine is read as it was; a torn note is none", () => {
  const { files, workdir } = memoryProvider();
  assert.equal(readTombstone(workdir, "a-0"), undefined);
  writeTombstone(workdir, "a-0", record);
  assert.deepEqual(readTombstone(workdir, "a-0"), record);
  writeTombstone(workdir, "a-0", { ...record, succeeded: true });
  assert.deepEqual(readTombstone(workdir, "a-0"), { ...record, succeeded: true });
  files.writeText("/work/machines/a-0", '{"up":tr');
  assert.equal(readTombstone(workdir, "a-0"), undefined);
});

const facts = {
  uid: "u",
  resourceVersion: "7",
  privateIpAddress: "10.0.0.1",
  createdAt: 1_795_209_813,
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
    deletionAt: undefined,
    place: {
      node: "node-0001",
      graceSeconds: 5,
      tolerations: ["not-ready", "unreachable"].map((what) => ({
        effect: "NoExecute",
        key: `node.kubernetes.io/${what}`,
        operator: "Exists",
        toleration_seconds: 300,
        value: null,
      })),
    },
  });
});
