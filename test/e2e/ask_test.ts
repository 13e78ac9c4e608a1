/** The commands that ask how the grid is, as an operator runs them: what they print in a pipe, and their exit statuses. */
import assert from "node:assert/strict";
import type { Node } from "../../src/kube/types.ts";
import { eventually } from "../support/deadline.ts";
import { clusterTest, siteTest } from "../support/e2e.ts";
import { script } from "../support/programs.ts";
import { manifest } from "../support/site.ts";

/** A template whose machines no node has room for, beside the one whose machines run. */
const enormous = {
  ...manifest,
  spec: { ...manifest.spec, containers: [{ name: "c", image: "c:1", resources: { requests: { cpu: "100k" } } }] },
};

siteTest("a directory that is not served: status exits with 4 and says what to do", async (site) => {
  const { code, stdout } = await site.run(["status"]);
  assert.equal(code, 4);
  assert.match(stdout, /^Not served: 0 machines\n/);
  assert.match(stdout, /has not been served yet: start 'hostfactory serve'/);
});

siteTest("a directory that there is not is no empty list: it was probably meant to be another", async (site) => {
  const none = ["--workdir", `${site.directory}/wrokdir`];
  for (
    const command of [["admin", "list-machines"], ["admin", "list-requests", "-o", "json"], ["explain", "x"], [
      "history",
    ]]
  ) {
    const { code, stdout, stderr } = await site.run([...none, ...command]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /There is no work directory '.*\/wrokdir' \(name it with --workdir/);
  }
  const { code, stdout } = await site.run([...none, "status"]);
  assert.equal(code, 4);
  assert.match(stdout, /wrokdir' does not exist/);
});

clusterTest(
  "status, explain, lists and Symphony's answer say the same of machines that run and that wait",
  async (site) => {
    site.writeTemplates({ small: manifest, enormous });
    const serve = site.serve();
    const running = await site.request(2);
    await site.allRunning(running);
    assert.equal((await site.run(["status"])).code, 0);

    const waiting = await site.request(1, { templateId: "enormous" });
    const told = await eventually("the cluster says why", async () => {
      const { message } = await site.status(waiting);
      return /^1 of 1 waits: Unschedulable: .*Insufficient cpu/.test(message) && message;
    });
    const words = told.replace(/^1 of 1 waits: /, "");
    const status = await site.run(["status"]);
    assert.equal(status.code, 0, status.stdout);
    assert.match(status.stdout, /^small +2 +0 +0 +\d+$/m);
    assert.match(status.stdout, /^enormous +0 +1 +0 +\d+$/m);
    assert.ok(status.stdout.includes(words.split(" ").slice(0, 4).join(" ")), status.stdout);

    const { stdout: names } = await site.run(["admin", "list-machines"]);
    assert.deepEqual(names.trim().split("\n").sort(), [`${running}-0`, `${running}-1`, `${waiting}-0`].sort());
    const { stdout: list } = await site.run(["admin", "list-machines", "--state", "pending", "--output", "json"]);
    const [machine, ...others] = JSON.parse(list).machines;
    assert.deepEqual([machine.name, machine.waitsFor, others], [`${waiting}-0`, words, []]);

    const explained = await site.run(["explain", `${waiting}-0`]);
    assert.equal(explained.code, 0, explained.stderr);
    assert.ok(explained.stdout.includes(`It waits: ${words}`), explained.stdout);
    assert.match(explained.stdout, /Whose matter that is: the cluster's/);
    assert.match(explained.stdout, new RegExp(`describe pod ${waiting}-0`));
    await serve.stop();

    // It works as well once nobody serves the directory, and says so.
    const after = await site.run(["explain", `${running}-0`]);
    assert.match(after.stdout, /This may be old\. .*is not served now/);
    assert.match(after.stdout, /Its containers run/);
    const { code, stdout } = await site.run(["top", "--once"]);
    assert.equal(code, 0);
    assert.match(stdout, /^Not served {2}2 running, 1 waiting/);
  },
  { on: ["simulator"] },
);

clusterTest("what destroys wants to be confirmed, and takes our pods alone", async (site) => {
  const serve = site.serve();
  const id = await site.request(3);
  await site.allRunning(id);
  await site.cluster.createPod({
    metadata: { name: "stranger-0" },
    spec: { containers: [{ name: "c", image: "c:1" }] },
  });
  const refused = await site.run(["admin", "delete-pods", "--count", "0"]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /pass --yes/);
  const { stdout: shown } = await site.run(["admin", "delete-pods", "--count", "0", "--dry-run"]);
  const nodes = new Set(
    shown.trim().split("\n").filter((line) => !line.startsWith(`${id}-1 `)).map((line) => line.split(" ")[2]),
  );
  assert.deepEqual(shown.trim().split("\n").map((line) => line.split(" ")[0]), [0, 1, 2].map((n) => `${id}-${n}`));
  const deleted = await site.run(["admin", "delete-pods", `${id}-1`, "--yes", "--sleep", "1"]);
  assert.equal(deleted.stdout, "Deleted 1 pod\n", deleted.stderr);
  const forbidden = await site.run(["admin", "drain-nodes", "--count", "0", "--yes", "--sleep", "1"]);
  assert.equal(forbidden.code, 1);
  assert.match(forbidden.stderr, /cannot create resource "pods\/eviction".*apply scripts\/rbac\/disruptions.yaml/);
  await site.cluster.grantDisruptions();
  const drained = await site.run(["admin", "drain-nodes", "--count", "0", "--yes", "--cordon", "--sleep", "1"]);
  assert.equal(drained.stdout, "Deleted 2 pods from nodes\n", drained.stderr);
  const { items } = await site.cluster.call("GET", "/api/v1/nodes") as { items: Node[] };
  const cordoned = items.flatMap(({ metadata, spec }) => spec?.unschedulable ? [metadata.name] : []);
  assert.deepEqual(cordoned.sort(), [...nodes].sort());
  assert.deepEqual(await site.cluster.podNames(), ["stranger-0"]);
  await serve.stop();
}, { on: ["simulator"] });

siteTest("names in a pipe are all that a script hears; a person hears how old they are", async (site) => {
  const id = await site.request(1);
  const toScript = await site.run(["admin", "list-machines"]);
  assert.deepEqual([toScript.stdout, toScript.stderr], [`${id}-0\n`, ""]);
  const command = '"$HOSTFACTORY_BIN" admin list-machines | cat';
  const terminal = site.start(["-qec", command, "/dev/null"], { program: script!, environment: { SHELL: "/bin/sh" } });
  assert.equal(await terminal.ended(), 0);
  assert.match(terminal.stdout, new RegExp(`^${id}-0\r$`, "m"));
  assert.match(terminal.stdout, /^hostfactory: what is shown may be old: .*has not been served yet/m);
}, { lacks: script ? undefined : "script" });

siteTest("a terminal gets styles, unless it knows none or its user wants none", async (site) => {
  const status = async (environment: Record<string, string>) => {
    const given = { program: script!, environment: { SHELL: "/bin/sh", NO_COLOR: "", ...environment } };
    const terminal = site.start(["-qec", '"$HOSTFACTORY_BIN" status', "/dev/null"], given);
    await terminal.ended();
    return terminal.stdout;
  };
  assert.ok((await status({ TERM: "xterm" })).startsWith("\x1b[31mNot served"));
  for (const environment of [{ TERM: "dumb" }, { TERM: "xterm", NO_COLOR: "1" }]) {
    const stdout = await status(environment);
    assert.ok(stdout.startsWith("Not served") && !stdout.includes("\x1b"), stdout);
  }
}, { lacks: script ? undefined : "script" });

siteTest("a link called hostfactory-admin is the legacy plug-in's program", async (site) => {
  const link = `${site.directory}/hostfactory-admin`;
  await Deno.symlink(Deno.env.get("HF_BINARY") ?? "", link);
  const admin = site.start(["request-machines", "--template-id", "T", "--count", "2"], { program: link });
  assert.equal(await admin.ended(), 0, admin.stderr);
  assert.equal(admin.stdout, '{"template": {"templateId": "T", "machineCount": 2}}\n');
});

siteTest("one look of run-cron at a cluster that is away fails, also if it would change nothing", async (site) => {
  const away = { clusters: [{ name: "c", cluster: { server: "http://127.0.0.1:1" } }] };
  const contexts = [{ name: "x", context: { cluster: "c" } }];
  site.write("kubeconfig", JSON.stringify({ "current-context": "x", ...away, contexts }));
  for (const more of [[], ["--dry-run"]]) {
    const { code, stderr } = await site.run(["run-cron", "--run-once", ...more]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^hostfactory: .*Cannot reach the API server/m);
  }
});

clusterTest("a demo that is stopped by Ctrl-C leaves nothing behind and exits with 130", async (site) => {
  const demo = site.start(["demo", "--machines", "5", "--kubeconfig", `${site.directory}/kubeconfig`], {
    environment: { TMPDIR: site.directory },
  });
  await eventually("pods of the demo", async () => (await site.cluster.podNames()).length > 0);
  demo.signal("SIGINT");
  assert.equal(await demo.ended(), 130, demo.stderr);
  const [, lease] = /delete lease (hostfactory-demo-\S+)/.exec(demo.stderr) ?? [];
  const leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  const { items } = await site.cluster.call("GET", leases) as { items: { metadata: { name: string } }[] };
  assert.deepEqual(items.map(({ metadata }) => metadata.name), [lease]);
  assert.deepEqual(await site.cluster.podNames(), []);
  assert.deepEqual(site.entries("..").filter((name) => name.startsWith("hf-demo-")), []);
}, { on: ["simulator"] });
