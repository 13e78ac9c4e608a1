import assert from "node:assert/strict";
import { isGuarded } from "../../src/extensions/addresses.ts";

const cases: [address: string, kind: "loopback" | "link-local" | "other" | "unusable"][] = [
  ["127.0.0.1", "loopback"],
  ["127.9.9.9", "loopback"],
  ["0.0.0.0", "loopback"],
  ["169.254.169.254", "link-local"],
  ["10.0.0.1", "other"],
  ["169.253.1.1", "other"],
  ["::1", "loopback"],
  ["::", "loopback"],
  ["[::1]", "loopback"],
  ["0:0:0:0:0:0:0:1", "loopback"],
  ["fe80::1%eth0", "link-local"],
  ["febf::1", "link-local"],
  ["fec0::1", "other"],
  ["2001:db8::1", "other"],
  ["::ffff:127.0.0.1", "loopback"],
  ["::ffff:a9fe:a9fe", "link-local"],
  ["::ffff:10.0.0.1", "other"],
  ["localhost", "unusable"],
  ["", "unusable"],
];
for (const [address, kind] of cases) {
  Deno.test(`an address that is ${kind}: '${address}'`, () => {
    const guarded = (allowed: ("loopback" | "link-local")[]) => isGuarded(address, { allowed });
    assert.equal(guarded([]), kind !== "other");
    assert.equal(guarded(["loopback"]), kind === "link-local" || kind === "unusable");
    assert.equal(guarded(["link-local"]), kind === "loopback" || kind === "unusable");
  });
}
