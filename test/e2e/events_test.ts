/** Events from the verb to the database, and `watch events` over the spool of the legacy plug-in. */
import assert from "node:assert/strict";
import { eventually } from "../support/deadline.ts";
import { clusterTest, siteTest } from "../support/e2e.ts";
import { query } from "../support/events_database.ts";
import { legacyEvents, sorted } from "../support/legacy_events.ts";
import type { Site } from "../support/site.ts";

clusterTest("serve stores what becomes of a machine, from the request to its end", async (site) => {
  site.serve();
  const id = await site.request(1);
  await site.allRunning(id);
  const machine = `${id}-0`;
  await site.settled(await site.giveBack([machine]));
  const dbfile = `${site.workdir}/events.db`;
  const sql =
    `SELECT value FROM events WHERE category = 'pod' AND type = 'status' AND id = '${machine}' ORDER BY rowid`;
  const words = () => query(dbfile, sql).flat();
  await eventually("its end", () => words().includes("deleted"));
  const expected = ["created", "deleted", "pending", "ready", "requested", "returned", "running", "scheduled"];
  assert.deepEqual(words().toSorted(), expected);
  const request = `SELECT type, value FROM events WHERE category = 'request' AND id = '${id}' ORDER BY type, value`;
  const told = query(dbfile, request).filter(([, value]) => value !== "running");
  assert.deepEqual(told, [["count", "1"], ["status", "complete"], ["template_id", "small"]]);
}, { on: ["simulator"] });

siteTest(
  "`watch events` stores the legacy plug-in's spool, without a cluster, and rotates on SIGHUP",
  async (site) => {
    Deno.mkdirSync(`${site.workdir}/events`, { mode: 0o700 });
    for (const [name, text] of Object.entries(legacyEvents.spool)) site.write(`work/events/${name}`, text);
    const dbfile = `${site.directory}/grid/events.db`;
    const running = site.start(["watch", "events", "--dbfile", dbfile]);
    await eventually("an empty spool", () => [...Deno.readDirSync(`${site.workdir}/events`)].length === 0);
    running.signal("SIGHUP");
    const rotated = await eventually("a rotated database", () => {
      const names = Array.from(Deno.readDirSync(`${site.directory}/grid`), ({ name }) => name);
      return names.find((name) => /^events\.\d+$/.test(name));
    });
    assert.equal(await running.stop(), 0, running.stderr);
    const shown = running.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.ok(shown.some(({ category }) => category === "pod"));
    const all = `${site.directory}/grid/${rotated}`;
    const stored = new Set(sorted(query(all, "SELECT * FROM events")));
    assert.deepEqual(sorted(legacyEvents.added).filter((row) => !stored.has(row)), []);
    assert.equal(query(all, "SELECT * FROM events WHERE type IN ('event', 'events')").length, 0);
  },
);

clusterTest(
  "what the cluster says of machines and nodes is stored once, though two processes hear it",
  async (site) => {
    await site.cluster.grantKubeEvents();
    const { namespace } = site.cluster;
    site.serve("--kube-events");
    site.start(["watch", "kube-events"]);
    const id = await site.request(1);
    await site.allRunning(id);
    const machine = `${id}-0`;
    const say = async (name: string, about: Record<string, string>, place: string) =>
      await site.cluster.call("POST", `/api/v1/namespaces/${place}/events`, {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name, namespace: place },
        involvedObject: about,
        type: "Warning",
        reason: "Told",
        message: `Disrupting Node: Empty/Delete`,
        source: { component: "karpenter" },
        lastTimestamp: new Date().toISOString().replace(/\.\d+/, ""),
      });
    await say(`${machine}.told`, { kind: "Pod", namespace, name: machine }, namespace);
    await say(`${machine}.node`, { kind: "Node", name: "node-x", uid: "uid-x" }, "default");
    const sql = `SELECT id, type FROM events WHERE (type = 'event_source' AND value = 'karpenter'
    OR type LIKE 'eviction%') AND id IN ('${machine}', 'node-x::uid-x') ORDER BY id = '${machine}', type`;
    const told = () => query(`${site.workdir}/events.db`, sql);
    await eventually("all of it", () => told().length >= 3);
    assert.deepEqual(told(), [
      ["node-x::uid-x", "event_source"],
      ["node-x::uid-x", "eviction_empty"],
      [machine, "event_source"],
    ]);
  },
);

clusterTest(
  "what the provider scripts were given and said is recorded, by themselves and by a wrapper",
  async (site) => {
    const environment = { HF_K8S_RECORD_IO: "on" };
    const input = { template: { templateId: "small", machineCount: 1 } };
    await site.tell("getAvailableTemplates", {}, { environment });
    const { requestId } = await site.tell("requestMachines", input, { environment });
    const asked = { requests: [{ requestId }] };
    const { requests } = await site.tell("getRequestStatus", asked, { environment });
    const machines = [{ name: `${requestId}-0` }];
    const returned = await site.tell("requestReturnMachines", { machines }, { environment });
    await site.tell("getReturnRequests", { machines }, { environment });
    wrap(site, "template.t1", { input: "{}", output: '{"templates": []}' });

    site.serve("--request-io-events");
    const dbfile = `${site.workdir}/events.db`;
    const sql =
      "SELECT category, type, id, value FROM events WHERE type IN ('input', 'output') ORDER BY category, type";
    const stored = await eventually("all of it", () => {
      const rows = query(dbfile, sql) as [string, string, string, string][];
      return rows.length >= 12 && rows;
    });
    const told = (category: string, type: string) =>
      stored.filter(([of, what]) => of === category && what === type).map(([, , id, value]) => [id, JSON.parse(value)]);
    assert.equal(stored.length, 12);
    assert.deepEqual(told("request", "input"), [[requestId, input]]);
    assert.equal(told("request", "output")[0]?.[1].requestId, requestId);
    assert.deepEqual(told("request-status", "output").map(([, value]) => value.requests), [requests]);
    assert.deepEqual(told("return", "output"), [[returned.requestId, returned]]);
    assert.deepEqual(told("return-request", "input").map(([, value]) => value), [{ machines }]);
    assert.ok(told("template", "output").some(([id, value]) => id === "t1" && value.templates.length === 0));
  },
  { on: ["simulator"] },
);

siteTest(
  "`watch request-io-events` needs no cluster, and leaves a directory alone that it has recorded",
  async (site) => {
    wrap(site, "request.req1", { input: '{"template": {}}', output: '{"requestId": "req1"}' });
    const recording = site.start(["watch", "request-io-events"]);
    const storing = site.start(["watch", "events"]);
    const all = () =>
      query(`${site.workdir}/events.db`, "SELECT category, id, type, value FROM events ORDER BY id, type");
    const first = [["request", "req1", "input", '{"template": {}}'], [
      "request",
      "req1",
      "output",
      '{"requestId": "req1"}',
    ]];
    await eventually("the first", () => all().length === 2);
    assert.deepEqual(all(), first);
    wrap(site, "return.ret1", { input: "{}" });
    await eventually("the second", () => all().length === 3);
    assert.deepEqual(all(), [...first, ["return", "ret1", "input", "{}"]]);
    assert.deepEqual([await recording.stop(), await storing.stop()], [0, 0], recording.stderr + storing.stderr);
  },
);

/** Leaves what a wrapper of the provider scripts leaves. @param name category and id */
function wrap(site: Site, name: string, texts: Record<string, string>): void {
  const directory = `${site.directory}/whole`;
  Deno.mkdirSync(directory);
  for (const [file, text] of Object.entries(texts)) Deno.writeTextFileSync(`${directory}/${file}`, text);
  Deno.mkdirSync(`${site.workdir}/requests-io`, { recursive: true });
  Deno.renameSync(directory, `${site.workdir}/requests-io/k8s-hf.20261121T161327.${name}`);
}
