import assert from "node:assert/strict";
import { BrowserGuard } from "../../../src/simulator/api/browser_guard.ts";
import { ApiError } from "../../../src/simulator/protocol/status.ts";

const guard = new BrowserGuard({ names: ["0.0.0.0", "Build-7.example"], port: 6443 });

/** The status of the answer where a request with these headers is refused; 0 if it is not. */
function refusal(headers: Record<string, string>, { authority = headers["host"], by = guard } = {}): number {
  const request = { url: `http://${authority}/api/v1/pods?x=/`, headers: new Headers(headers) } as Request;
  try {
    by.check(request);
    return 0;
  } catch (error) {
    assert.ok(error instanceof ApiError);
    assert.equal(error.status.kind, "Status");
    assert.match(error.message, /^The simulator does not answer /);
    return error.code;
  }
}

const hosts: [host: string, code: number][] = [
  ["localhost:6443", 0],
  ["LOCALHOST:6443", 0],
  ["127.0.0.1:6443", 0],
  ["192.0.2.7:6443", 0],
  ["[::1]:6443", 0],
  ["[2001:DB8::7]:6443", 0],
  ["build-7.example:6443", 0],
  ["localhost", 421],
  ["localhost:6444", 421],
  ["localhost:", 421],
  ["127.0.0.1", 421],
  ["127.0.0.1:80", 421],
  ["evil.example:6443", 421],
  ["localhost.evil.example:6443", 421],
  ["127.0.0.1.evil.example:6443", 421],
  ["evil.example@localhost:6443", 421],
  ["localhost:6443, evil.example:6443", 421],
  ["[evil.example]:6443", 421],
  ["", 421],
  ["null", 421],
];
for (const [host, code] of hosts) {
  Deno.test(`a request for host '${host}' is ${code === 0 ? "answered" : `refused with ${code}`}`, () => {
    assert.equal(refusal({ host }), code);
    assert.equal(refusal({}, { authority: host }), code, "as the authority of HTTP/2");
    assert.equal(refusal({ host: "localhost:6443" }, { authority: host }), code, "as the URL of HTTP/1");
  });
}

Deno.test("without a port, a host stands for port 80", () => {
  const by = new BrowserGuard({ names: [], port: 80 });
  assert.equal(refusal({ host: "localhost" }, { by }), 0);
  assert.equal(refusal({ host: "localhost:80" }, { by }), 0);
  assert.equal(refusal({ host: "localhost:6443" }, { by }), 421);
});

const pages: [headers: Record<string, string>, code: number][] = [
  [{ origin: "http://localhost:6443" }, 0],
  [{ origin: "http://localhost:6443", "sec-fetch-site": "same-origin" }, 0],
  [{ "sec-fetch-site": "none" }, 0],
  [{ origin: "http://evil.example" }, 403],
  [{ origin: "http://localhost:3000" }, 403],
  [{ origin: "https://localhost:6443" }, 403],
  [{ origin: "http://127.0.0.1:6443" }, 403],
  [{ origin: "null" }, 403],
  [{ origin: "" }, 403],
  [{ "sec-fetch-site": "cross-site" }, 403],
];
for (const [headers, code] of pages) {
  Deno.test(`a request with ${JSON.stringify(headers)} is ${code === 0 ? "answered" : `refused with ${code}`}`, () => {
    assert.equal(refusal({ host: "localhost:6443", ...headers }), code);
    assert.equal(refusal({ host: "evil.example:6443", ...headers }), 421, "another host is refused in any case");
  });
}
