import assert from "node:assert/strict";
import { parseLabelSelector } from "../../../src/simulator/protocol/label_selector.ts";

const labels = { app: "web", tier: "back", empty: "" };

for (
  const [selector, selected] of [
    ["", true],
    ["app=web", true],
    ["app==web", true],
    ["app=other", false],
    ["app!=web", false],
    ["absent!=web", true],
    ["app", true],
    ["absent", false],
    ["!absent", true],
    ["!app", false],
    ["app in (web, db)", true],
    ["app in (db)", false],
    ["app notin (db)", true],
    ["app notin (web)", false],
    ["absent in (web)", false],
    ["absent notin (web)", true],
    ["app=web,tier in (front,back),!absent", true],
    ["app=web,tier=front", false],
    ["empty=", true],
    ["app=", false],
  ] as const
) {
  Deno.test(`the label selector '${selector}' ${selected ? "selects" : "does not select"} what it should`, () => {
    assert.equal(parseLabelSelector(selector)(labels), selected);
  });
}
