import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import { startLogging } from "../../src/log.ts";
import { answer, serveEdge } from "../../src/metrics/edge.ts";
import { Monitor } from "../../src/metrics/monitor.ts";
import { MemoryFiles } from "../support/memory_files.ts";

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
});

Deno.test("a port that is taken is said once, and served once it is free", async () => {
  let logged = "";
  startLogging({
    level: "info",
    file: undefined,
    files: new MemoryFiles(),
    writeError: (line) => logged += `${line}\n`,
  });
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
  const served = serveEdge(address, { monitor, clock: waits, signal: stop.signal, began: resolve });
  await systemClock.sleep(30);
  taken.close();
  const response = await fetch(`http://127.0.0.1:${await promise}/livez`);
  assert.equal(await response.text(), '{"status":"ok","reasons":[]}\n');
  stop.abort();
  await served;
  assert.equal(logged.match(/Metrics and health are not served/g)?.length, 1, logged);
});
