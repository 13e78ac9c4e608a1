import assert from "node:assert/strict";
import { PodLabel } from "../../src/templates/podspec.ts";
import { instancesOnPods, isOurs } from "../../src/watchers/ownership.ts";
import { podFileText } from "../../src/watchers/pod_file.ts";
import { notPermitted } from "../support/memory_files.ts";
import { memoryWatching, ourPod } from "../support/memory_watching.ts";

const cases: [what: string, instance: string | undefined, request: "here" | "not here", ours: boolean][] = [
  ["our instance", "now", "here", true],
  ["our instance, a request that is lost", "now", "not here", true],
  ["a name that we had before", "before", "here", true],
  ["a name that we had before, somebody else's request", "before", "not here", false],
  ["another instance", "other", "here", false],
  ["no instance: the existing plug-in's", undefined, "here", true],
  ["no instance, somebody else's request", undefined, "not here", false],
];
for (const [what, instance, request, ours] of cases) {
  Deno.test(`a pod of ${what} is ${ours ? "" : "not "}ours`, () => {
    const labels = { [PodLabel.request]: "req", ...(instance === undefined ? {} : { [PodLabel.instance]: instance }) };
    const options = {
      instances: { instance: "now", formerInstances: ["before"] },
      hasRequest: (id: string) => id === "req" && request === "here",
    };
    assert.equal(isOurs(ourPod("req-0", {}, { labels }), options), ours);
  });
}

Deno.test("a pod whose name is not one of a machine of its request is not ours", () => {
  const options = { instances: { instance: "k8s-hf", formerInstances: [] }, hasRequest: () => true };
  const labels = { [PodLabel.request]: "req", [PodLabel.instance]: "k8s-hf" };
  for (const name of ["req", "other-0", "req-01"]) assert.equal(isOurs(ourPod(name, {}, { labels }), options), false);
});

Deno.test("the instances on pods are those of all pod files that can be read", () => {
  const { files, workdir } = memoryWatching();
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
