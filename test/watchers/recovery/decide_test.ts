import assert from "node:assert/strict";
import { decideAdoption, type FoundRequest } from "../../../src/watchers/recovery/decide.ts";

const memory = { templateId: "T", count: 3, requestedAt: 5 };
const cases: [what: string, found: Partial<FoundRequest>, adoption: ReturnType<typeof decideAdoption>][] = [
  ["1. a lost request comes back whole", { indexes: [0, 2], memory }, {
    kind: "rebuild",
    machines: ["req-0", "req-2"],
    lost: ["req-1"],
  }],
  ["1. all of its machines have pods", { indexes: [0, 1, 2], memory }, {
    kind: "rebuild",
    machines: ["req-0", "req-1", "req-2"],
    lost: [],
  }],
  ["1. a pod beyond what another remembers is not thrown away", { indexes: [7], memory }, {
    kind: "rebuild",
    machines: ["req-7"],
    lost: ["req-0", "req-1", "req-2"],
  }],
  ["1. no one remembers what was asked for", { indexes: [1] }, { kind: "rebuild", machines: ["req-1"], lost: [] }],
  ["2. every pod has its entry", {
    stored: { count: 3, entries: new Set(["req-0", "req-1"]) },
    indexes: [0, 1],
  }, undefined],
  ["3. an entry was lost", { stored: { count: 3, entries: new Set(["req-0"]) }, indexes: [0, 2] }, {
    kind: "complete",
    enter: ["req-2"],
    strays: [],
  }],
  ["3. an entry was lost, and the record with it", { stored: { count: undefined, entries: new Set() }, indexes: [9] }, {
    kind: "complete",
    enter: ["req-9"],
    strays: [],
  }],
  ["4. the request has no such machine", { stored: { count: 3, entries: new Set(["req-0"]) }, indexes: [0, 3] }, {
    kind: "complete",
    enter: [],
    strays: ["req-3"],
  }],
];
for (const [what, found, adoption] of cases) {
  Deno.test(`adoption: ${what}`, () => {
    assert.deepEqual(
      decideAdoption({ id: "req", stored: undefined, indexes: [], memory: undefined, ...found }),
      adoption,
    );
  });
}
