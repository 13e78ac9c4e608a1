import assert from "node:assert/strict";
import { PodLabel } from "../../src/templates/podspec.ts";
import { isOurs } from "../../src/watchers/ownership.ts";
import { ourPod } from "../support/memory_watching.ts";

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
