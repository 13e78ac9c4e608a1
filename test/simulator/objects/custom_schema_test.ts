import assert from "node:assert/strict";
import { parse } from "yaml";
import { readFromTree } from "../../support/tree.ts";
import { Fixture } from "../fixture.ts";

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const EXTENSIONS = "/apis/hostfactory.symphony/v1/namespaces/default/hostfactoryextensions";
const hooks = { lint: "https://a/" };

/** A fixture with our definition, as it is given to hosts. */
async function defined(): Promise<Fixture> {
  const fixture = new Fixture();
  const { status } = await fixture.ask("POST", DEFINITIONS, parse(readFromTree("scripts/extensions/crd.yaml")));
  assert.equal(status, 201);
  return fixture;
}

function extension(name: string, spec: object): object {
  return { apiVersion: "hostfactory.symphony/v1", kind: "HostFactoryExtension", metadata: { name }, spec };
}

Deno.test("there are custom resources once they are defined, and as long as they are", async () => {
  using fixture = new Fixture();
  assert.equal((await fixture.send("GET", EXTENSIONS)).status, 404);
  using other = await defined();
  assert.equal((await other.ask("GET", EXTENSIONS)).body.kind, "HostFactoryExtensionList");
  await other.ask("DELETE", `${DEFINITIONS}/hostfactoryextensions.hostfactory.symphony`);
  assert.equal((await other.send("GET", EXTENSIONS)).status, 404);
});

const wrong: [spec: object, field: string][] = [
  [{}, "spec.hooks"],
  [{ hooks: {} }, "spec.hooks"],
  [{ hooks: [] }, "spec.hooks"],
  [{ hooks: { lint: "ftp://a" } }, "spec.hooks.lint"],
  [{ hooks, timeoutSeconds: 61 }, "spec.timeoutSeconds"],
  [{ hooks, timeoutSeconds: 0 }, "spec.timeoutSeconds"],
  [{ hooks, timeoutSeconds: "5" }, "spec.timeoutSeconds"],
  [{ hooks, priority: 0.5 }, "spec.priority"],
  [{ hooks, failurePolicy: "Fail" }, "spec.failurePolicy"],
  [{ hooks, before: ["a", "B"] }, "spec.before[1]"],
  [{ hooks, before: Array(101).fill("a") }, "spec.before"],
  [{ hooks, maintainer: "x".repeat(501) }, "spec.maintainer"],
];

for (const [spec, field] of wrong) {
  Deno.test(`${JSON.stringify(spec).slice(0, 60)} is refused for ${field}`, async () => {
    using fixture = await defined();
    const { status, body } = await fixture.ask("POST", EXTENSIONS, extension("a", spec));
    assert.equal(status, 422);
    assert.deepEqual(body.details.causes.map((cause: { field: string }) => cause.field), [field]);
  });
}

Deno.test("a status changes by its subresource alone, and nothing else does by that", async () => {
  using fixture = await defined();
  const status = { failures: 1 };
  const made = await fixture.ask("POST", EXTENSIONS, { ...extension("a", { hooks }), status });
  assert.deepEqual([made.status, made.body.status], [201, undefined]);
  const { uid } = made.body.metadata;
  const patch = { metadata: { uid, labels: { a: "b" } }, status, spec: { hooks: { lint: "https://b/" } } };
  const told = (await fixture.ask("PATCH", `${EXTENSIONS}/a/status`, patch)).body;
  assert.deepEqual([told.status, told.spec, told.metadata.labels], [status, { hooks }, undefined]);
  const changed = (await fixture.ask("PATCH", `${EXTENSIONS}/a`, { status: { failures: 2 }, spec: { batch: 2 } })).body;
  assert.deepEqual([changed.status, changed.spec], [status, { hooks, batch: 2 }]);
  const other = await fixture.ask("PATCH", `${EXTENSIONS}/a/status`, { metadata: { uid: "other" }, status: {} });
  assert.deepEqual([other.status, other.body.reason], [409, "Conflict"]);
});
