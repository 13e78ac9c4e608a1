import assert from "node:assert/strict";
import type { Explanation } from "../../src/admin/explanation.ts";
import { explanationText } from "../../src/cli/explain.ts";

const explanation: Explanation = {
  kind: "machine",
  name: "req-0",
  at: 100,
  now: "It waits: Unschedulable",
  matterOf: "cluster",
  matter: "the cluster's: its room",
  waitsFor: "Unschedulable",
  until: 160,
  facts: { state: "pending" },
  timeline: [],
  next: ["hostfactory explain req"],
  doubt: undefined,
  gap: undefined,
};

const text = (change: Partial<Explanation>) =>
  explanationText({ ...explanation, ...change }, 80).map(({ text }) => text).join("");

Deno.test("until when it lasts is told of what it is about", () => {
  assert.match(text({}), /\nIt is given up in 1m at the latest\nWhose matter that is: the cluster's: its room\n/);
  assert.match(text({ kind: "request" }), /\nThe last of them is given up in 1m at the latest\n/);
  const going = { waitsFor: undefined };
  assert.match(text({ ...going, kind: "return request" }), /\nThe last of them is gone in 1m at the latest\n/);
  assert.match(text({ ...going, kind: "node" }), /\nThe node is gone in 1m at the latest\n/);
  assert.match(text({ ...going, until: 90 }), /\nIt should have been gone 10s ago\n/);
});

Deno.test("a timeline that lacks what events tell says so", () => {
  assert.match(text({ gap: "Cannot read it" }), /\nThe timeline lacks what events tell\. Cannot read it\n/);
});
