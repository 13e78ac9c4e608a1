import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import { HostFactoryError } from "../../src/errors.ts";
import { tellGathered } from "../../src/log.ts";
import { answer, serveHttp } from "../../src/metrics/http_server.ts";
import { Monitor } from "../../src/metrics/monitor.ts";
import { captureLog } from "../support/captured_log.ts";

const monitor = new Monitor({
  clock: systemClock,
  usage: () => ({ rss: 1, heapUsed: 1 }),
  measureDisk: () => Promise.resolve(new Map()),
  siteTtlSeconds: 1,
  mostObjects: 1,
});

async function ask(
  path: string,
  { host = "127.0.0.1:8080", hostname = "127.0.0.1", method = "GET", headers = {} } = {},
) {
  const request = new Request(`http://${host}${path}`, { method, headers: { host, ...headers } });
  const response = await answer(request, { address: { hostname }, monitor, clock: systemClock });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

Deno.test("metrics are text, or OpenMetrics for those who take it", async () => {
  const plain = await ask("/metrics");
  assert.equal(plain.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.match(plain.text, /^# HELP /);
  assert.equal((await ask("/")).status, 200);
  const open = await ask("/metrics", {
    headers: { accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5" },
  });
  assert.match(open.headers.get("content-type") ?? "", /^application\/openmetrics-text/);
  assert.match(open.text, /# EOF\n$/);
  assert.equal(open.headers.get("access-control-allow-origin"), null);
});

Deno.test("health is a status with reasons", async () => {
  const ready = await ask("/readyz");
  assert.equal(ready.status, 503);
  assert.deepEqual(JSON.parse(ready.text), { status: "failed", reasons: ["It is starting"] });
  assert.deepEqual((await ask("/livez")).text, '{"status":"ok","reasons":[]}\n');
  assert.equal((await ask("/healthz")).status, 503);
});

Deno.test("only GET, only what there is, only short URLs", async () => {
  const post = await ask("/metrics", { method: "POST" });
  assert.deepEqual([post.status, post.headers.get("allow")], [405, "GET"]);
  assert.equal((await ask("/other")).status, 404);
  assert.equal((await ask(`/metrics?${"a".repeat(1_000)}`)).status, 414);
});

Deno.test("who calls by another name was led here by somebody else", async () => {
  for (const host of ["localhost", "LOCALHOST:8080", "10.1.2.3:80", "[::1]:8080", "mgmt1.example"]) {
    assert.equal((await ask("/livez", { host, hostname: "mgmt1.example" })).status, 200, host);
  }
  for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8080"]) {
    assert.equal((await ask("/livez", { host, hostname: "mgmt1.example" })).status, 421, host);
  }
  assert.equal((await ask("/livez", { headers: { host: "evil.example" } })).status, 421);
  // What the runtime makes of an empty header `Host`.
  const nameless = { method: "GET", url: "http:///", headers: new Headers({ host: "" }) } as Request;
  const { status } = await answer(nameless, { address: { hostname: "127.0.0.1" }, monitor, clock: systemClock });
  assert.equal(status, 421);
});

Deno.test("a port that is taken is said once, and served once it is free", async () => {
  using log = captureLog();
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const stop = new AbortController();
  // Each wait is over at once, so that the port is tried again and again.
  const clock = {
    ...systemClock,
    sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 5), signal),
  };
  const waits = {
    ...clock,
    sleep: (ms: number, signal?: AbortSignal) =>
      ms === Infinity ? systemClock.sleep(ms, signal) : clock.sleep(ms, signal),
  };
  const { promise, resolve } = Promise.withResolvers<number>();
  const address = { hostname: "127.0.0.1", port: taken.addr.port };
  const served = serveHttp(address, { monitor, clock: waits, signal: stop.signal, began: resolve });
  await systemClock.sleep(30);
  taken.close();
  const response = await fetch(`http://127.0.0.1:${await promise}/livez`);
  assert.equal(await response.text(), '{"status":"ok","reasons":[]}\n');
  stop.abort();
  await served;
  assert.equal(log.lines.filter((line) => /Metrics and health are not served/.test(line)).length, 1);
});

Deno.test("with a token, metrics and what the page shows want it; health does not, nor does the page itself", async () => {
  const token = (request: Request) => Promise.resolve(request.headers.get("authorization") === "Bearer right");
  const page = (request: Request) =>
    Promise.resolve(/\/$|\/page\//.test(request.url) ? new Response("paged") : undefined);
  const status = async (path: string, headers: Record<string, string> = {}) => {
    const request = new Request(`http://127.0.0.1${path}`, { headers });
    const response = await answer(request, {
      address: { hostname: "127.0.0.1" },
      monitor,
      page,
      token,
      clock: systemClock,
    });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await status("/livez"), 200);
  assert.equal(await status("/", { accept: "text/html" }), 200);
  for (const path of ["/", "/metrics", "/page/stream", "/page/explain/x"]) {
    assert.equal(await status(path), 401, path);
    assert.equal(await status(path, { authorization: "Bearer wrong" }), 401, path);
    assert.equal(await status(path, { authorization: "Bearer right" }), 200, path);
  }
});

Deno.test("a token that cannot be read lets no one in, and the log says why", async () => {
  using log = captureLog();
  const response = await answer(new Request("http://127.0.0.1/metrics"), {
    address: { hostname: "127.0.0.1" },
    monitor,
    token: () => Promise.reject(new HostFactoryError("Cannot read '/t'")),
    clock: systemClock,
  });
  assert.equal(response.status, 503);
  assert.match(await response.text(), /^The file of --http-token-file cannot be read: see the log of serve\n$/);
  tellGathered({ isEnd: true });
  assert.ok(
    log.lines.some((line) => /token of --http-token-file cannot be read.*Cannot read '\/t'/.test(line)),
    log.lines.join(),
  );
});

Deno.test("where the page is refused, it says why, and metrics are served", async () => {
  const ask = async (path: string, accept: string) => {
    const request = new Request(`http://10.1.2.3${path}`, { headers: { accept } });
    const response = await answer(request, {
      address: { hostname: "0.0.0.0" },
      monitor,
      pageRefusal: "Not here",
      clock: systemClock,
    });
    return [response.status, (await response.text()).slice(0, 8)];
  };
  assert.deepEqual(await ask("/", "text/html"), [403, "Not here"]);
  assert.deepEqual(await ask("/page/stream", "*/*"), [403, "Not here"]);
  assert.deepEqual(await ask("/", "*/*"), [200, "# HELP m"]);
});

Deno.test("a socket is for its own user alone, from its first moment", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/socket`;
  const stop = new AbortController();
  const served = serveHttp({ path }, { monitor, clock: systemClock, signal: stop.signal });
  try {
    assert.equal((await Deno.lstat(path)).mode! & 0o777, 0o600);
    const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
    const response = await fetch("http://localhost/livez", { client });
    assert.equal(await response.text(), '{"status":"ok","reasons":[]}\n');
    client.close();
  } finally {
    stop.abort();
    await served;
    await Deno.remove(directory, { recursive: true });
  }
});
