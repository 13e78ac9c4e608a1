import assert from "node:assert/strict";
import type { Picture } from "../../src/admin/picture.ts";
import { sectionsOf } from "../../src/page/rows.ts";

const picture = {
  service: { workdir: "/w", quarantined: [] as string[] },
  templates: [],
  requests: [],
  returns: [],
  nodes: [],
  machines: [],
  problems: [] as string[],
} as unknown as Picture;

Deno.test("that the lease is in trouble is said once, with what comes of it", () => {
  const tenure = "Trouble: the lease cannot be renewed: 503";
  const stuck = "Loop 'pods' has been in one step for 700 s";
  const troubles = (service: Partial<Picture["service"]>) =>
    sectionsOf({ ...picture, service: { ...picture.service, ...service } }, { tenure, others: [stuck] }).service
      .troubles;
  assert.deepEqual(troubles({}), [tenure, stuck]);
  const notServed = "'/w' is not served now: the lease cannot be renewed: 503";
  assert.deepEqual(troubles({ notServed }), [notServed, stuck]);
});

Deno.test("a machine that was given back is not up", () => {
  const request = {
    kind: "request",
    id: "req",
    templateId: "T",
    requestedAt: 10,
    machines: 3,
    counts: { executing: 0, succeed: 3, fail: 0 },
  };
  const machine = { requestId: "req", result: "succeed", state: "running" };
  const machines = [machine, { ...machine, returnId: "ret", state: "deleted" }, { ...machine, returnId: "ret" }];
  const all = { ...picture, requests: [request], machines } as unknown as Picture;
  const { requests } = sectionsOf(all, { tenure: undefined, others: [] });
  assert.deepEqual(requests.map(({ done, returned }) => [done, returned]), [[3, 2]]);
});
