import assert from "node:assert/strict";
import { guardedAddress } from "../../src/extensions/guarded_address.ts";

const guarded: Record<string, string[]> = {
  loopback: [
    "127.0.0.1",
    "127.255.0.9",
    "0x7f.1",
    "2130706433",
    "017700000001",
    "127.0.0.1.",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "::ffff:127.0.0.1",
    "[::7f00:1]",
    "[64:ff9b::7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "localhost",
    "LOCALHOST.",
    "a.localhost",
  ],
  "link-local": [
    "169.254.169.254",
    "0xa9fea9fe",
    "[fe80::1]",
    "fe80::1%eth0",
    "[febf::1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
  ],
  none: [
    "10.0.0.1",
    "128.0.0.1",
    "169.253.0.1",
    "[2001:db8::1]",
    "[fec0::1]",
    "[::a00:1]",
    "[::ffff:10.0.0.1]",
    "example.com",
  ],
};

for (const [kind, hosts] of Object.entries(guarded)) {
  Deno.test(`${kind}: ${hosts.join(", ")}`, () => {
    for (const host of hosts) {
      assert.equal(guardedAddress(host) ?? "none", kind, host);
      if (!host.includes("%") && (!host.includes(":") || host.startsWith("["))) {
        assert.equal(guardedAddress(new URL(`http://${host}/`).hostname) ?? "none", kind, `${host} in a URL`);
      }
    }
  });
}
