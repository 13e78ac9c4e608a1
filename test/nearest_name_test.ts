import assert from "node:assert/strict";
import fc from "fast-check";
import { nearestName } from "../src/nearest_name.ts";

const known = ["restartPolicy", "resources", "image", "imagePullPolicy", "env", "up"];

for (
  const [wrong, meant] of [
    ["restartpolicy", "restartPolicy"],
    ["resorces", "resources"],
    ["reosurces", "resources"],
    ["images", "image"],
    ["iamge", "image"],
    ["ENV", "env"],
    ["ev", "env"],
    ["command", undefined],
    ["id", undefined],
    ["", undefined],
  ] as const
) {
  Deno.test(`'${wrong}' was most likely meant to be ${meant ?? "nothing that is known"}`, () => {
    assert.equal(nearestName(wrong, known), meant);
  });
}

Deno.test("of names that are equally near it is the first in order, in whatever order they are known", () => {
  assert.equal(nearestName("node-000", ["node-0300", "node-0001", "node-0000"]), "node-0000");
});

Deno.test("a name with one letter more or less is found again", () => {
  const name = fc.string({ minLength: 3, unit: fc.constantFrom(..."abcdefgh") });
  fc.assert(fc.property(name, fc.nat(), (name, at) => {
    const place = at % name.length;
    assert.equal(nearestName(`${name.slice(0, place)}x${name.slice(place)}`, [name]), name);
    if (name.length > 3) assert.equal(nearestName(name.slice(0, place) + name.slice(place + 1), [name]), name);
  }));
});
