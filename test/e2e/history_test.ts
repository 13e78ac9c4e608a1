/** What is made of events, by the executable, under each of its names. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openEventStore } from "../../src/events/database.ts";
import { eventually } from "../support/deadline.ts";
import { clusterTest, siteTest } from "../support/e2e.ts";
import { legacyEvents } from "../support/legacy_events.ts";
import { legacyTransformed } from "../support/legacy_transformed.ts";
import { runToEnd } from "../support/process.ts";
import { RUN_OPTIONS } from "../support/run_options.ts";
import type { Site } from "../support/site.ts";

function storeExisting(site: Site): void {
  const events = openEventStore(`${site.workdir}/events.db`);
  events.begin();
  for (const row of legacyEvents.before) events.insert(row);
  events.commit();
  events.close();
}

/** The executable under another name. */
function link(site: Site, name: string): string {
  const path = `${site.directory}/${name}`;
  Deno.symlinkSync(site.environment["HOSTFACTORY_BIN"] ?? "", path);
  return path;
}

clusterTest("history tells what becomes of machines, with serve and without it", async (site) => {
  const serve = site.serve();
  const id = await site.request(2);
  await site.allRunning(id);
  const told = async (...args: string[]) => {
    const { code, stdout, stderr } = await site.run(["history", ...args]);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  await eventually("that they are ready", async () => /2 machines of ‘small’ ready/.test(await told()));
  assert.match(await told("--request", id), /2 machines of ‘small’ requested\n/);
  assert.equal(await serve.stop(), 0);
  await site.giveBack([`${id}-0`]);
  const lines = (await told("--machine", `${id}-0`, "--output", "json")).trim().split("\n").map((line) =>
    JSON.parse(line)
  );
  assert.deepEqual(lines.map(({ what }) => what), ["requested", "ready", "returned"]);
  assert.deepEqual(lines[0].ids, [`${id}-0`]);
}, { on: ["simulator"] });

clusterTest("history tells for how long the cluster was away, and why", async (site) => {
  site.serve("--server-timeout-seconds", "2");
  await site.allRunning(await site.request(1));
  const { namespace } = site.cluster;
  const fault = `/simulator/faults/away-${namespace}`;
  const paths = [`/namespaces/${namespace}/pods`];
  await site.cluster.call("PUT", fault, { name: "failing", status: 503, message: "gone fishing", paths });
  const told = async () => (await site.run(["history"])).stdout;
  await eventually("that it is away", async () => /cluster away.*: .*gone fishing/.test(await told()));
  await site.cluster.call("DELETE", fault);
  const away = /^(\d\d:\d\d:\d\d)–(\d\d:\d\d:\d\d) cluster away: .*gone fishing/m;
  const [, from = "", until = ""] = await eventually("that it is back", async () => away.exec(await told()) ?? false);
  assert.notEqual(from, until);
}, { on: ["simulator"] });

siteTest("by the name hostfactory-events it transforms", async (site) => {
  storeExisting(site);
  const output = `${site.directory}/tables.db`;
  const args = ["transform", "--input-db", `${site.workdir}/events.db`, ...RUN_OPTIONS, `sqlite:///${output}`];
  const program = link(site, "hostfactory-events");
  const transformed = await runToEnd({ program, args, environment: site.environment, directory: site.directory });
  assert.deepEqual([transformed.code, transformed.stdout], [0, ""], transformed.stderr);
  using database = new DatabaseSync(output, { readOnly: true });
  const count = database.prepare("SELECT count(*) AS count FROM pod").get()?.["count"];
  assert.equal(count, legacyTransformed["pod"]?.rows.length);
});

siteTest("by the name hostfactory-utils it answers, and SIGTERM ends it", async (site) => {
  storeExisting(site);
  const environment = {
    HFUTILS_PLATFORM: "eks",
    HFUTILS_CLUSTER_NAME: "c",
    HFUTILS_REGION: "r",
    HFUTILS_NAMESPACE: "n",
    HFUTILS_BUCKET: "grid",
    HFUTILS_WORKDIR: site.workdir,
    HFUTILS_DRY_RUN: "on",
    HFUTILS_PORT: "0",
  };
  const running = site.start([], { environment, program: link(site, "hostfactory-utils") });
  const port = await eventually("its port", () => /port=(\d+)/.exec(running.stderr)?.[1]);
  const pushed = await (await fetch(`http://127.0.0.1:${port}/push-eventsdb`)).json();
  assert.deepEqual([pushed.status, pushed.path.slice(0, 22)], ["success", "s3://grid/eventsdb/c/r"]);
  assert.equal(await running.stop(), 0, running.stderr);
});
