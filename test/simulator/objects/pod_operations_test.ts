import assert from "node:assert/strict";
import { Fixture, PODS } from "../fixture.ts";

Deno.test("a patch that changes nothing is not written, whatever labels the pod has", async () => {
  using fixture = new Fixture({ stages: [] });
  const { body } = await fixture.create("p", { labels: { a: "b", c: "d" } });
  const patch = { metadata: { labels: { c: "d", a: "b" }, annotations: {} } };
  assert.deepEqual((await fixture.ask("PATCH", `${PODS}/p`, patch)).body, body);
  assert.equal(fixture.cluster.revision, Number(body.metadata.resourceVersion));
});
