/** What the built executable logs, where to, and how. */
import assert from "node:assert/strict";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";

clusterTest("standard error says where the log goes, whose lines are JSON if that is asked for", async (site) => {
  const file = `${site.directory}/serve.log`;
  const serve = site.start(["--log-file", file, "--log-format", "json", "serve"]);
  await serve.says(new RegExp(`^hostfactory: the log goes to '${file}'$`, "m"));
  await site.allRunning(await site.request(1));
  const records = () => Deno.readTextFileSync(file).trimEnd().split("\n").map((line) => JSON.parse(line));
  const read = await eventually("the request is in the log", () => {
    const all = records();
    return all.some(({ message }) => message === "Request handled") && all;
  });
  const { server, namespace, source } = read.find(({ message }) => message === "Credentials read");
  assert.match(server, /^https?:/);
  assert.equal(namespace, site.cluster?.namespace);
  assert.match(source, new RegExp(`${site.directory}/kubeconfig`));
  for (const { time, level, part } of read) {
    assert.ok(!Number.isNaN(Date.parse(time)) && ["info", "warning"].includes(level) && part !== "");
  }
  assert.equal(await serve.stop(), 0);
}, { on: ["simulator"] });

clusterTest("a verb that failed is a warning in its log file", (site) => {
  const file = `${site.directory}/verb.log`;
  const environment = { ...site.environment, HF_K8S_LOG_FILE: file };
  const { stdout } = new Deno.Command("sh", {
    args: ["-c", `echo '{' | "$HOSTFACTORY_BIN" request-machines || true`],
    env: environment,
    clearEnv: true,
    stderr: "null",
  }).outputSync();
  assert.equal(JSON.parse(new TextDecoder().decode(stdout)).requestId, "");
  assert.match(Deno.readTextFileSync(file), /^\S+ warning verb: request-machines error=".*is not JSON/);
  return Promise.resolve();
}, { on: ["simulator"] });

clusterTest("while many pods cannot be created, the log has one line for that", async (site) => {
  const cluster = site.cluster ?? assert.fail("there is no cluster");
  const serve = site.serve();
  await serve.says(/tenure: Owner/);
  const paths = [`/namespaces/${cluster.namespace}/pods`];
  const fault = { name: "failing", status: 503, message: "gone fishing", verbs: ["create"], paths };
  await cluster.call("PUT", `/simulator/faults/${cluster.namespace}`, fault);
  const requestId = await site.request(50);
  await serve.says(/Pods not created yet machines=\d+.* error="gone fishing" first=/);
  await cluster.call("DELETE", `/simulator/faults/${cluster.namespace}`);
  await site.allRunning(requestId);
  assert.equal(await serve.stop(), 0);
  assert.equal(serve.stderr.match(/Pods not created yet/g)?.length, 1);
}, { on: ["simulator"] });

clusterTest("where standard error is systemd's journal, lines begin with their priority", (site) => {
  const file = site.write("journal", "");
  const script = `exec 2>"$1"; JOURNAL_STREAM=0:$(stat -c %i "$1") timeout 3 "$HOSTFACTORY_BIN" watch events`;
  new Deno.Command("sh", { args: ["-c", script, "sh", file], env: site.environment, clearEnv: true }).outputSync();
  assert.match(Deno.readTextFileSync(file), /^<6>\S+ info {4}events: Storing events/);
  return Promise.resolve();
}, { on: ["simulator"] });
