import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config.ts";
import { openEventStore } from "../../src/events/database.ts";
import { systemFiles } from "../../src/files.ts";
import { systemRandom } from "../../src/random.ts";
import { runService } from "../../src/upload/server.ts";

const place = { platform: "eks", cluster: "grid-london", region: "eu-west-1", namespace: "symphony", bucket: "grid" };

/** Calls `act` with a service over an empty work directory, and its address. */
async function serve(act: (url: string, workdir: string) => Promise<void>, port = 0): Promise<void> {
  const workdir = Deno.makeTempDirSync();
  const stop = new AbortController();
  const { promise: began, resolve } = Promise.withResolvers<number>();
  const surroundings = { files: systemFiles, clock: systemClock, random: systemRandom, environment: {} };
  const options = { ...place, dryRun: true, debug: false, hostname: "127.0.0.1", port, began: resolve };
  const running = runService({ ...surroundings, signal: stop.signal }, loadConfig({ workdir }, {}), options);
  try {
    await Promise.race([running, began.then((port) => act(`http://127.0.0.1:${port}`, workdir))]);
  } finally {
    stop.abort();
    await running.catch(() => {});
    Deno.removeSync(workdir, { recursive: true });
  }
}

async function get(url: string, init: RequestInit = {}): Promise<[status: number, body: unknown]> {
  const answer = await fetch(url, init);
  return [answer.status, await answer.json()];
}

Deno.test("it answers as the legacy plug-in's service does", async () => {
  await serve(async (url, workdir) => {
    assert.deepEqual(await get(`${url}/health`), [200, { status: "ok" }]);
    assert.deepEqual(await get(`${url}/info`), [200, { debug: false, dry_run: true, workdir, ...place }]);
    assert.deepEqual(await get(`${url}/docs`), [404, { detail: "Not Found" }]);
    assert.deepEqual(await get(`${url}/toString`), [404, { detail: "Not Found" }]);
    assert.deepEqual(await get(`${url}/health`, { method: "POST" }), [405, { detail: "Method Not Allowed" }]);
  });
});

Deno.test("what cannot be uploaded is told as the detail; the next can be", async () => {
  await serve(async (url, workdir) => {
    const [status, body] = await get(`${url}/push-eventsdb`);
    assert.equal(status, 404);
    assert.match((body as { detail: string }).detail, /events\.db': it does not exist/);
    Deno.writeTextFileSync(`${workdir}/events.db`, "no database at all, but text of some length");
    assert.equal((await get(`${url}/push-eventsdb`))[0], 500);
    Deno.removeSync(`${workdir}/events.db`);
    openEventStore(`${workdir}/events.db`).close();
    const [good, pushed] = await get(`${url}/push-eventsdb`);
    assert.deepEqual([good, (pushed as { status: string }).status], [200, "success"]);
  });
});

Deno.test("a page of another site, or by another name, makes it do nothing", async () => {
  await serve(async (url) => {
    const foreign = await get(`${url}/push-eventsdb`, { headers: { "sec-fetch-site": "cross-site" } });
    assert.equal(foreign[0], 421);
  });
});

Deno.test("a port that is taken ends it, with what to do", async () => {
  await serve(async (url) => {
    const port = Number(new URL(url).port);
    await assert.rejects(serve(() => Promise.resolve(), port), {
      name: "HostFactoryError",
      hint: "give another --port: serve has its metrics on 8080",
    });
  });
});
