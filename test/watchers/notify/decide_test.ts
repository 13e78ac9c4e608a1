import assert from "node:assert/strict";
import * as fc from "fast-check";
import { MACHINE_STATES } from "../../../src/hf/status.ts";
import type { PodFacts } from "../../../src/machine/pod_facts.ts";
import type { MachineSnapshot } from "../../../src/machine/snapshot.ts";
import type { Tombstone } from "../../../src/machine/tombstone.ts";
import { decideNews } from "../../../src/watchers/notify/decide.ts";
import { MACHINE_EVENTS, type MachineEvent } from "../../../src/workdir/notified.ts";

type Known = Pick<MachineSnapshot, "state" | "pod" | "tombstone">;

const pod: PodFacts = {
  uid: "u",
  resourceVersion: "1",
  privateIpAddress: "",
  createdAt: undefined,
  deletionAt: undefined,
};
const tombstone = (options: Partial<Tombstone> = {}): Tombstone => ({
  uid: "u",
  up: true,
  returned: false,
  givenUp: false,
  message: "why",
  ...options,
});
const known = (state: Known["state"], options: Partial<Known> = {}): Known => ({
  state,
  pod: undefined,
  tombstone: undefined,
  ...options,
});

const cases: [what: string, machine: Known, told: MachineEvent | undefined, news: MachineEvent[]][] = [
  ["no machine that we know", known(undefined), undefined, []],
  ["one without a pod yet", known("creating"), undefined, []],
  ["one whose pod was seen", known("pending", { pod }), undefined, ["created"]],
  ["one whose pod was told of", known("pending", { pod }), "created", []],
  ["one that is up", known("running", { pod }), "created", ["up"]],
  ["one that is up and of which nothing was told", known("running", { pod }), undefined, ["created", "up"]],
  ["one that stays up", known("running", { pod }), "up", []],
  ["one that succeeded", known("succeeded", { pod, tombstone: tombstone({ succeeded: true }) }), "up", []],
  ["one that failed", known("failed", { pod, tombstone: tombstone() }), "up", ["failed"]],
  ["one that never came up", known("failed", { pod, tombstone: tombstone({ up: false }) }), "created", ["failed"]],
  ["one that was refused", known("failed", { tombstone: tombstone({ up: false, uid: undefined }) }), undefined, [
    "failed",
  ]],
  ["one that is given back", known("deleted", { tombstone: tombstone({ returned: true }) }), "up", ["deleted"]],
  ["one that was never created", known("deleted"), undefined, []],
  ["one that is lost, all at once", known("deleted", { tombstone: tombstone() }), undefined, [...MACHINE_EVENTS]],
  ["one that failed and is gone", known("deleted", { tombstone: tombstone() }), "failed", ["deleted"]],
  ["one whose end is told", known("deleted", { tombstone: tombstone() }), "deleted", []],
  ["one that is not gone after all", known("running", { pod }), "deleted", ["created", "up"]],
  ["one that has not failed after all", known("running", { pod }), "failed", ["created", "up"]],
  ["one that failed and was given back", known("deleted", { tombstone: tombstone({ returned: true }) }), "failed", [
    "deleted",
  ]],
];
for (const [what, machine, told, news] of cases) {
  Deno.test(`what an extension is told of ${what}`, () => {
    assert.deepEqual(decideNews(machine, told).map(({ event }) => event), news);
  });
}

Deno.test("why it failed is told, and which pod it was", () => {
  assert.deepEqual(decideNews(known("failed", { pod, tombstone: tombstone() }), "created"), [
    { event: "up", uid: "u", reason: null },
    { event: "failed", uid: "u", reason: "why" },
  ]);
});

Deno.test("whatever is known of a machine, it is told in order, and then nothing more", () => {
  const machines = fc.record({
    state: fc.constantFrom(undefined, ...MACHINE_STATES),
    pod: fc.constantFrom(undefined, pod),
    tombstone: fc.option(
      fc.record({
        up: fc.boolean(),
        returned: fc.boolean(),
        succeeded: fc.boolean(),
        uid: fc.constantFrom(undefined, "u"),
      })
        .map(tombstone),
      { nil: undefined },
    ),
  });
  fc.assert(fc.property(machines, fc.constantFrom(undefined, ...MACHINE_EVENTS), (machine, told) => {
    const events = decideNews(machine, told).map(({ event }) => event);
    const places = events.map((event) => MACHINE_EVENTS.indexOf(event));
    assert.deepEqual(places, [...new Set(places)].sort());
    assert.deepEqual(decideNews(machine, events.at(-1) ?? told), []);
  }));
});
