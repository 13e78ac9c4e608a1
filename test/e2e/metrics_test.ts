/** What the built executable says of itself: metrics that Prometheus takes, health by HTTP status, and systemd's own notices. */
import assert from "node:assert/strict";
import { METRICS } from "../../src/metrics/declared.ts";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";
import { freePort } from "../support/free_port.ts";
import { hasOpenMetricsParser, parseOpenMetrics } from "../support/open_metrics.ts";
import type { Running } from "../support/process.ts";
import { promtool, runPromtool } from "../support/promtool.ts";
import { shell } from "../support/shell.ts";

function exists(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** The value of a sample, by what its line begins with. */
function sample(page: string, beginning: string): number | undefined {
  const line = page.split("\n").find((one) => one.startsWith(`${beginning} `));
  return line === undefined ? undefined : Number(line.slice(beginning.length));
}

async function served(
  serve: Running,
  port: number,
): Promise<(path: string) => Promise<{ status: number; text: string }>> {
  await serve.says(/Metrics and health are served/);
  return async (path) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, text: await response.text() };
  };
}

clusterTest("machines come and go in the metrics, as Prometheus reads them", async (site) => {
  const port = freePort();
  const serve = site.serve("--prometheus-port", String(port));
  const get = await served(serve, port);
  const requestId = await site.request(3);
  const machines = await site.allRunning(requestId);
  const page = await eventually("three machines run in the metrics", async () => {
    const { text } = await get("/metrics");
    return sample(text, 'hostfactory_machines{template_id="small",state="running"}') === 3 && text;
  });
  assert.equal(sample(page, 'machines_requested_total{template_id="small"}'), 3);
  assert.equal(sample(page, 'hostfactory_requests{kind="request",status="open"}'), 1);
  assert.equal(sample(page, 'hostfactory_request_to_stage_seconds_count{stage="created"}'), 3);
  assert.equal(sample(page, 'hostfactory_request_to_stage_seconds_count{stage="running"}'), 3);
  assert.equal(sample(page, 'hostfactory_api_calls_total{call="createPod",outcome="ok"}'), 3);
  assert.equal(sample(page, "hostfactory_owner"), 1);
  assert.equal(sample(page, "hostfactory_view_fresh"), 1);
  assert.equal(sample(page, "hostfactory_pods_followed"), 3);
  assert.equal(sample(page, 'hostfactory_watch_failures_total{resource="pods"}'), 0);
  assert.match(page, new RegExp(`^pod_cpu\\{end_time="",.*phase="running",.*pod_name="${machines[0]?.name}"`, "m"));
  const missing = Object.keys(METRICS).filter((name) => !page.includes(`# TYPE ${name} `));
  assert.deepEqual(missing, []);
  await site.giveBack(machines.map(({ name }) => name));
  await eventually("they are returned in the metrics", async () => {
    const { text } = await get("/");
    return sample(text, "machines_returned_total") === 3 &&
      sample(text, 'hostfactory_machines{template_id="small",state="running"}') === 0;
  });
  assert.equal(await serve.stop(), 0);
});

clusterTest("a site's own metrics are shown by serve, and by watch events alone", async (site) => {
  for (const command of [["serve"], ["watch", "events"]]) {
    const port = freePort();
    const running = site.start([...command, "--prometheus-port", String(port), "--prometheus-ttl", "600"]);
    const get = await served(running, port);
    const at = Math.floor(Date.now() / 1_000);
    const spool = `${site.workdir}/events`;
    await eventually("there is a spool", () => exists(spool));
    const metric = { category: "metric", timestamp: at, grid_busy_slots: 7, application: command.join(" ") };
    Deno.writeTextFileSync(`${spool}/.new`, JSON.stringify([metric, { ...metric, timestamp: at - 601, old: 1 }]));
    Deno.renameSync(`${spool}/.new`, `${spool}/metric`);
    const line = `grid_busy_slots{application="${command.join(" ")}"}`;
    const page = await eventually("it is on the page", async () => {
      const { text } = await get("/metrics");
      return sample(text, line) !== undefined && sample(text, 'hostfactory_workdir_bytes{part="events"}') !== 0 && text;
    });
    assert.ok(page.includes(`${line} 7 ${at}000\n`));
    assert.doesNotMatch(page, /^old/m);
    await eventually("it is healthy", async () => (await get("/healthz")).status === 200);
    assert.equal(await running.stop(), 0);
  }
}, { on: ["simulator"] });

clusterTest("Prometheus has nothing against the page", async (site) => {
  const port = freePort();
  const serve = site.serve("--prometheus-port", String(port));
  const get = await served(serve, port);
  await site.allRunning(await site.request(2));
  const { text } = await eventually("the pods are in the metrics", async () => {
    const page = await get("/metrics");
    return page.text.includes("pod_cpu{") && page.text.includes('state="running"} 2') && page;
  });
  assert.deepEqual(await runPromtool(["check", "metrics"], text), { code: 0, said: "" });
}, promtool === undefined ? { lacks: "promtool" } : {});

clusterTest("the reference parser of OpenMetrics takes the page", async (site) => {
  const port = freePort();
  const serve = site.serve("--prometheus-port", String(port));
  await served(serve, port);
  await site.allRunning(await site.request(2));
  const headers = { accept: "application/openmetrics-text; version=1.0.0" };
  const { samples } = await eventually("the pods are in the metrics", async () => {
    const page = await (await fetch(`http://127.0.0.1:${port}/metrics`, { headers })).text();
    return page.includes("pod_cpu{") && await parseOpenMetrics(page);
  });
  assert.ok(samples > 500);
}, { on: ["simulator"], ...hasOpenMetricsParser ? {} : { lacks: "python3 with prometheus-client" } });

clusterTest("health is told by status, with reasons; and only to those who call it by its name", async (site) => {
  const port = freePort();
  const serve = site.serve("--prometheus-port", String(port));
  const get = await served(serve, port);
  await eventually("it is ready", async () => (await get("/readyz")).status === 200);
  assert.deepEqual(await get("/livez"), { status: 200, text: '{"status":"ok","reasons":[]}\n' });
  assert.equal((await get("/healthz")).status, 200);
  assert.equal((await get("/elsewhere")).status, 404);
  const status = (args: string) =>
    shell(`curl -s -o /dev/null -w '%{http_code}' ${args} http://127.0.0.1:${port}/metrics`).trim();
  assert.equal(status("-H 'Host: rebound.example'"), "421");
  assert.equal(status("-H 'Host: localhost'"), "200");
  assert.equal(status("-X POST"), "405");

  const standbyPort = freePort();
  const standby = site.serve("--prometheus-port", String(standbyPort));
  const ask = await served(standby, standbyPort);
  await standby.says(/Standby/);
  const { status: code, text } = await ask("/readyz");
  assert.equal(code, 503);
  assert.match(text, /"status":"failed","reasons":\["Standby: /);
  assert.equal((await ask("/healthz")).status, 200);
  assert.equal(sample((await ask("/metrics")).text, "hostfactory_owner"), 0);
  assert.equal(await standby.stop(), 0);
  assert.equal(await serve.stop(), 0);
}, { on: ["simulator"] });

clusterTest("a port that is taken is a warning, and serve goes on", async (site) => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = site.serve("--prometheus-port", String(taken.addr.port));
  await serve.says(/Metrics and health are not served: give --prometheus-port a port that is free, or 0/);
  await site.allRunning(await site.request(1));
  assert.equal(await serve.stop(), 0);
}, { on: ["simulator"] });

clusterTest("systemd is told that serve is ready, lives and stops", async (site) => {
  const log = `${site.directory}/notices`;
  Deno.mkdirSync(`${site.directory}/bin`);
  const program = site.write("bin/systemd-notify", `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> '${log}'\n`);
  Deno.chmodSync(program, 0o755);
  const environment = {
    PATH: `${site.directory}/bin:${site.environment["PATH"]}`,
    NOTIFY_SOCKET: "/run/notify",
    WATCHDOG_USEC: "1000000",
  };
  const serve = site.start(["serve"], { environment });
  const notices = () => Deno.readTextFileSync(log);
  await eventually("it is ready and lives", () => /^\/run\/notify READY=1 STATUS=.*\n[^]*WATCHDOG=1/.test(notices()));
  await eventually("it says how it is", () => notices().includes("STATUS=Owner, and the view of the cluster is fresh"));
  assert.equal(await serve.stop(), 0);
  assert.match(notices(), /STOPPING=1 STATUS=Stopping\n$/);
}, { on: ["simulator"] });
