import assert from "node:assert/strict";
import type { ObjectMeta } from "../../../src/kube/types.ts";
import { PodLabel, REQUEST_ANNOTATION } from "../../../src/templates/podspec.ts";
import { findOurs, instancesOnPods, isAsOrdered, isOurs } from "../../../src/watchers/work/ownership.ts";
import { podFileText } from "../../../src/workdir/pod_file.ts";
import { readRequestRecord } from "../../../src/workdir/requests.ts";
import { notPermitted } from "../../support/memory_files.ts";
import { ask, memoryDependencies, ourPod } from "../../support/memory_dependencies.ts";

const identity = { id: "us", key: "", takenOver: ["old"] };
const owner = { instance: "now", formerInstances: ["before"], identity, isSoleOwner: true };

interface Case {
  what: string;
  instance?: string;
  workdir?: string;
  hasRequest: boolean;
  /** Whether it is ours if the lease says that the instance is ours alone, and if we do without a lease. */
  ours: [withLease: boolean, without: boolean];
}
const cases: Case[] = [
  { what: "our instance and work directory", instance: "now", workdir: "us", hasRequest: true, ours: [true, true] },
  { what: "ours whose request is lost", instance: "now", workdir: "us", hasRequest: false, ours: [true, true] },
  {
    what: "a work directory that we took the place of",
    instance: "now",
    workdir: "old",
    hasRequest: false,
    ours: [true, true],
  },
  { what: "another work directory", instance: "now", workdir: "them", hasRequest: true, ours: [true, false] },
  { what: "an earlier version", instance: "now", hasRequest: true, ours: [true, true] },
  { what: "an earlier version whose request is lost", instance: "now", hasRequest: false, ours: [true, false] },
  { what: "a name that we had before", instance: "before", workdir: "us", hasRequest: true, ours: [true, true] },
  {
    what: "a name that we had before, of a strange request",
    instance: "before",
    hasRequest: false,
    ours: [false, false],
  },
  { what: "another instance", instance: "other", workdir: "us", hasRequest: true, ours: [false, false] },
  { what: "the legacy plug-in", hasRequest: true, ours: [true, true] },
  { what: "the legacy plug-in, of a strange request", hasRequest: false, ours: [false, false] },
];
for (const { what, instance, workdir, hasRequest, ours } of cases) {
  for (const [i, isSoleOwner] of [true, false].entries()) {
    Deno.test(`a pod of ${what} is ${ours[i] ? "" : "not "}ours, with${isSoleOwner ? "" : "out"} a lease`, () => {
      const labels: Record<string, string> = { [PodLabel.request]: "req" };
      if (instance !== undefined) labels[PodLabel.instance] = instance;
      if (workdir !== undefined) labels[PodLabel.workdir] = workdir;
      const options = { owner: { ...owner, isSoleOwner }, hasRequest: (id: string) => id === "req" && hasRequest };
      assert.equal(isOurs(ourPod("req-0", {}, { labels }), options), ours[i]);
    });
  }
}

Deno.test("a pod whose name is not one of a machine of its request is not ours", () => {
  const options = { owner: { ...owner, instance: "k8s-hf" }, hasRequest: () => true };
  const labels = { [PodLabel.request]: "req", [PodLabel.instance]: "k8s-hf" };
  for (const name of ["req", "other-0", "req-01"]) assert.equal(isOurs(ourPod(name, {}, { labels }), options), false);
});

Deno.test("the instances on pods are those of all pod files that can be read", () => {
  const { files, workdir } = memoryDependencies();
  const pod = (name: string, labels: Record<string, string>) =>
    files.writeText(`/work/pods/${name}`, podFileText(ourPod(name, {}, { labels })));
  pod("req-0", { [PodLabel.instance]: "a" });
  pod("req-1", { [PodLabel.instance]: "a" });
  pod("req-2", { [PodLabel.instance]: "b" });
  pod("req-3", { app: "req-3" });
  pod("req-4", { [PodLabel.instance]: "denied" });
  files.writeText("/work/pods/req-5", JSON.stringify({ metadata: { uid: "u", labels: 5 }, spec: {}, status: {} }));
  files.failWhere(({ name, paths }) => name === "readText" && paths[0] === "/work/pods/req-4", notPermitted());
  assert.deepEqual(instancesOnPods(workdir).sort(), ["a", "b"]);
});

Deno.test("a machine that another work directory has made is not taken for gone", async () => {
  const dependencies = { ...memoryDependencies(), isSoleOwner: false };
  const { signal } = dependencies;
  const theirs = (name: string) => ({ ...ourPod(name).metadata.labels, [PodLabel.workdir]: "anotherone00" });
  dependencies.kube.put(ourPod("req-0", {}, { labels: theirs("req-0") }));
  await assert.rejects(findOurs(dependencies, "req-0", { signal }), { message: /another work directory has made it/ });
  dependencies.files.writeText("/work/pods/req-0", podFileText(ourPod("req-0", {}, { uid: "ours" })));
  assert.equal(await findOurs(dependencies, "req-0", { signal }), undefined, "ours has given way to it");
  assert.equal(await findOurs(dependencies, "req-1", { signal }), undefined, "there is none");
});

Deno.test("a pod whose uid is not known is the machine's if we wrote it, and it remembers the machine or all our marks were dropped", async () => {
  const dependencies = memoryDependencies();
  const { workdir } = dependencies;
  await ask(dependencies, "req", 1);
  const requestedAt = readRequestRecord(workdir, "req")?.requestedAt;
  const memory = { [REQUEST_ANNOTATION]: JSON.stringify({ count: 1, index: 0, requestedAt }) };
  const another = { [REQUEST_ANNOTATION]: JSON.stringify({ count: 1, index: 0, requestedAt: 1 }) };
  const ofSibling = { [REQUEST_ANNOTATION]: JSON.stringify({ count: 1, index: 1, requestedAt }) };
  const byUs = [{ manager: "hostfactory", fieldsV1: { "f:spec": {} } }];
  const byOther = [{ manager: "kubectl", fieldsV1: { "f:spec": {} } }];
  const cases: [what: string, metadata: ObjectMeta, isOurs: boolean][] = [
    ["without labels", { annotations: memory, managedFields: byUs }, true],
    ["it does not say who wrote it", { annotations: memory }, true],
    ["somebody's copy", { annotations: memory, managedFields: byOther }, false],
    ["the pod of another request of that name", { annotations: another, managedFields: byUs }, false],
    ["without any marks", { labels: { app: "req-0" }, managedFields: byUs }, true],
    ["without any marks, and written by another", { managedFields: byOther }, false],
    ["without any marks, and it does not say who wrote it", {}, false],
    ["of another machine of it", { annotations: ofSibling, managedFields: byUs }, false],
    ["of another instance", { labels: { [PodLabel.instance]: "another" }, managedFields: byUs }, false],
    [
      "only its state written by us",
      { managedFields: [{ manager: "hostfactory", fieldsV1: { "f:status": {} } }] },
      false,
    ],
  ];
  for (const [what, metadata, isOurs] of cases) {
    const pod = ourPod("req-0", {}, { labels: {}, ...metadata } as ObjectMeta);
    assert.equal(isAsOrdered(dependencies, "req-0", pod), isOurs, what);
  }
});

Deno.test("a pod that remembers its machine is known by that, too, once the request is lost, unless it may be another's", async () => {
  const dependencies = { ...memoryDependencies(), isSoleOwner: false };
  const { kube, signal, identity } = dependencies;
  const annotations = { [REQUEST_ANNOTATION]: JSON.stringify({ count: 1, index: 0, requestedAt: 7 }) };
  const cases: [labels: Record<string, string>, isFound: boolean][] = [
    [{}, true],
    [{ [PodLabel.instance]: dependencies.instance, [PodLabel.workdir]: identity.id }, true],
    [{ [PodLabel.instance]: "another" }, false],
    [{ [PodLabel.instance]: dependencies.instance, [PodLabel.workdir]: "anotherone00" }, false],
  ];
  for (const [labels, isFound] of cases) {
    kube.put(ourPod("req-0", {}, { labels, annotations }));
    assert.equal(await findOurs(dependencies, "req-0", { signal }) !== undefined, isFound, JSON.stringify(labels));
  }
  assert.ok(await findOurs({ ...dependencies, isSoleOwner: true }, "req-0", { signal }), "the lease says whose it is");
  assert.equal(isAsOrdered(dependencies, "req-1", ourPod("req-1", {}, { labels: {}, annotations })), false);
});

Deno.test("a pod without any marks is ours if we wrote it, and its machine is in a request, that of the legacy plug-in included", () => {
  const dependencies = memoryDependencies();
  const managedFields = [{ manager: "hostfactory", fieldsV1: { "f:spec": {} } }];
  const pod = ourPod("old-0", {}, { labels: {}, managedFields });
  assert.equal(isAsOrdered(dependencies, "old-0", pod), false);
  dependencies.files.makeDirectory("/work/requests/old");
  dependencies.files.symlink("../.prototypes/.manifest.json", "/work/requests/old/old-0");
  assert.equal(isAsOrdered(dependencies, "old-0", pod), true);
});

Deno.test("a pod whose name is no machine's, and that does not say who wrote it, is not ours", async () => {
  const dependencies = memoryDependencies();
  dependencies.kube.put(ourPod("web", {}, { labels: {} }));
  assert.equal(await findOurs(dependencies, "web", { signal: dependencies.signal }), undefined);
});
