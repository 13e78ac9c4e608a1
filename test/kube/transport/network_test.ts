import assert from "node:assert/strict";
import type { TransportOptions } from "../../../src/kube/transport/transport.ts";
import { systemNetwork } from "../../../src/kube/transport/network.ts";
import * as keys from "../key_pairs.ts";

const origin = { ca: "'/ca'", clientCertificate: "'/crt' and '/key'" };
const what = "Cannot use the client certificate and key from '/crt' and '/key'";

const USABLE: Record<string, [cert: string, key: string]> = {
  "PKCS#8": [keys.p256Certificate, keys.p256Key],
  "SEC1": [keys.p256Certificate, keys.sec1Key],
  "PKCS#1": [keys.rsaCertificate, keys.rsaKey],
  "Ed25519": [keys.ed25519Certificate, keys.ed25519Key],
};
/** A server that answers everything with the method and path of the request. */
function serve(): Deno.HttpServer<Deno.NetAddr> {
  const { p256Certificate: cert, p256Key: key } = keys;
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert, key, onListen() {} },
    (request) => new Response(`${request.method} ${new URL(request.url).pathname}`),
  );
}

for (const [name, [cert, key]] of Object.entries(USABLE)) {
  Deno.test(`A key is taken, and calls are made with it: ${name}`, async () => {
    const server = serve();
    const transport = systemNetwork({ cert, key, origin, insecure: true });
    try {
      const response = await transport.fetch(`https://127.0.0.1:${server.addr.port}/path`, {});
      assert.equal(await response.text(), "GET /path");
    } finally {
      transport.close();
      await server.shutdown();
    }
  });
}

const UNUSABLE: [name: string, options: TransportOptions, message: string][] = [
  [
    "another certificate's key",
    { cert: keys.p256Certificate, key: keys.ed25519Key },
    `${what}: the key does not belong to the certificate`,
  ],
  [
    "X.509 version 1",
    { cert: keys.v1Certificate, key: keys.p256Key },
    `${what}: the certificate is of X.509 version 1, and version 3 is needed`,
  ],
  [
    "a critical extension",
    { cert: keys.criticalCertificate, key: keys.p256Key },
    `${what}: the certificate has a critical extension that is not known`,
  ],
  [
    "a short RSA key",
    { cert: keys.rsa1024Certificate, key: keys.rsa1024Key },
    `${what}: the key is none of RSA from 2048 bits, P-256, P-384, P-521 and Ed25519`,
  ],
  [
    "half a key",
    { cert: keys.p256Certificate, key: keys.p256Key.slice(0, 60) },
    `${what}: the key is damaged, encrypted, or not in PEM`,
  ],
  ["no certificate", { key: keys.p256Key }, `${what}: the certificate is missing`],
  [
    "authorities that are none",
    { ca: keys.p256Key },
    "Cannot use the certificate authorities from '/ca': there is no PEM certificate in it",
  ],
  [
    "a proxy of another kind",
    { proxy: "ftp://me:secret@p" },
    "Cannot use the proxy: its URL is not one of an http, https or socks5 proxy",
  ],
];
for (const [name, options, message] of UNUSABLE) {
  Deno.test(`What would end the process is refused with a reason: ${name}`, () => {
    assert.throws(() => systemNetwork({ ...options, origin }), { name: "KubeError", kind: "unauthorised", message });
  });
}

Deno.test("Where no certificate is checked the way still leads to the server alone", async () => {
  const server = serve();
  const transport = systemNetwork({ insecure: true });
  try {
    for (let call = 0; call < 3; call++) {
      const response = await transport.fetch(`https://127.0.0.1:${server.addr.port}/path`, {});
      assert.equal(await response.text(), "GET /path");
    }
  } finally {
    transport.close();
    await server.shutdown();
  }
});

Deno.test("What may not be reached is sent nothing, whatever the proxy variables say", async () => {
  const asked: string[] = [];
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
    asked.push(new URL(url).pathname);
    return new Response("hello");
  });
  const reach = async (isAllowed: boolean, path: string) => {
    const seen: string[] = [];
    Deno.env.set("NO_PROXY", "localhost");
    const transport = systemNetwork({ mayReach: (address) => seen.push(address) > 0 && isAllowed });
    try {
      const response = await transport.fetch(`http://localhost:${server.addr.port}${path}`, {});
      return [await response.text(), seen];
    } catch (error) {
      return [(error as Error).constructor.name, seen];
    } finally {
      Deno.env.delete("NO_PROXY");
      transport.close();
    }
  };
  assert.deepEqual(await reach(true, "/allowed"), ["hello", ["127.0.0.1"]]);
  assert.deepEqual(await reach(false, "/forbidden"), ["TypeError", ["127.0.0.1"]]);
  assert.deepEqual(asked, ["/allowed"]);
});

Deno.test("A transport that is closed, once or twice, carries nothing more", async () => {
  const server = serve();
  const transport = systemNetwork({ insecure: true });
  const url = `https://127.0.0.1:${server.addr.port}/path`;
  try {
    assert.equal(await (await transport.fetch(url, {})).text(), "GET /path");
    for (const _once of [1, 2]) {
      transport.close();
      await assert.rejects(transport.fetch(url, {}));
    }
  } finally {
    await server.shutdown();
  }
});
