import assert from "node:assert/strict";
import { Fixture, PODS } from "../fixture.ts";

Deno.test("a webhook drops labels and annotations with certain prefixes from pods at creation, and no others", async () => {
  using fixture = new Fixture({ stages: [] });
  fixture.cluster.setFault({ name: "dropped-marks", prefixes: ["symphony/", "app"], count: 1 });
  const metadata = {
    labels: { "symphony/hostfactory-reqid": "r", app: "a", mine: "m" },
    annotations: { "symphony/hostfactory-request": "{}" },
  };
  const pod = (name: string) => ({
    metadata: { ...metadata, name },
    spec: { containers: [{ name: "c", image: "b" }] },
  });
  const { status, body } = await fixture.ask("POST", PODS, pod("struck"));
  assert.deepEqual([status, body.metadata.labels, body.metadata.annotations], [201, { mine: "m" }, undefined]);
  assert.deepEqual(fixture.cluster.getPod("struck")?.metadata.labels, { mine: "m" });
  assert.deepEqual((await fixture.ask("POST", PODS, pod("spared"))).body.metadata.labels, metadata.labels);
});
