import assert from "node:assert/strict";
import { Fixture, PODS } from "../fixture.ts";

Deno.test("a fault shifts the Date header of every answer, errors and watches included", async () => {
  using fixture = new Fixture();
  const offMs = async (path: string) =>
    Date.parse((await fixture.send("GET", path)).headers.get("date") ?? "") - fixture.clock.now();
  for (const aheadMs of [3_600_000, -7_200_000]) {
    fixture.cluster.setFault({ name: "clock-ahead", aheadMs });
    for (const path of [PODS, `${PODS}/none`, `${PODS}?watch=1`, "/healthz"]) {
      assert.equal(await offMs(path), aheadMs, path);
    }
  }
  fixture.cluster.clearFaults();
  assert.equal(await offMs(PODS), 0);
});

Deno.test("a fault shifts the Date header of a share of the answers", async () => {
  using fixture = new Fixture();
  fixture.cluster.setFault({ name: "clock-ahead", aheadMs: 60_000, share: 0.5 });
  const seen = new Set<string | null>();
  for (let call = 0; call < 20; call++) seen.add((await fixture.send("GET", PODS)).headers.get("date"));
  assert.equal(seen.size, 2);
});
