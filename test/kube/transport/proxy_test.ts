import assert from "node:assert/strict";
import { chooseProxy } from "../../../src/kube/transport/proxy.ts";

const CASES: [
  server: string,
  asked: string | undefined,
  environment: Record<string, string>,
  expected: string | undefined,
][] = [
  ["https://10.1.2.3:6443", undefined, {}, undefined],
  ["https://h", "http://p:1", { HTTPS_PROXY: "http://q" }, "http://p:1"],
  ["https://h", undefined, { HTTPS_PROXY: "http://q", HTTP_PROXY: "http://r" }, "http://q"],
  ["https://h", undefined, { HTTP_PROXY: "http://r" }, "http://r"],
  ["http://h", undefined, { HTTPS_PROXY: "http://q" }, undefined],
  ["https://h", undefined, { https_proxy: "q:3128" }, "http://q:3128"],
  ["https://h", undefined, { HTTPS_PROXY: "socks5://q" }, "socks5://q"],
  ["https://h", undefined, { HTTPS_PROXY: "" }, undefined],
  ["https://h", "p", { NO_PROXY: "*" }, undefined],
  ["https://api.bank.example", "p", { NO_PROXY: "a, .bank.example" }, undefined],
  ["https://api.bank.example", "p", { NO_PROXY: "bank.example" }, undefined],
  ["https://bank.example", "p", { no_proxy: "*.bank.example" }, undefined],
  ["https://mybank.example", "p", { NO_PROXY: "bank.example" }, "http://p"],
  ["https://h:6443", "p", { NO_PROXY: "h:6443" }, undefined],
  ["https://h:6443", "p", { NO_PROXY: "h:443" }, "http://p"],
  ["https://h", "p", { NO_PROXY: "h:443" }, undefined],
  ["https://10.1.2.3", "p", { NO_PROXY: "10.0.0.0/8" }, undefined],
  ["https://11.1.2.3", "p", { NO_PROXY: "10.0.0.0/8" }, "http://p"],
  ["https://10.1.2.3", "p", { NO_PROXY: "10.0.0.0/x" }, "http://p"],
  ["https://[fd00::1]", "p", { NO_PROXY: "fd00::1" }, undefined],
];

for (const [server, asked, environment, expected] of CASES) {
  Deno.test(`The proxy to ${server}, asked for ${asked}, with ${JSON.stringify(environment)}, is ${expected}`, () => {
    assert.equal(chooseProxy(server, { asked, environment }), expected);
  });
}
