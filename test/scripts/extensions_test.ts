import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { annotater } from "../../scripts/extensions/annotater.ts";
import { answer, type Container, type Hooks, type Pod } from "../../scripts/extensions/hook.ts";
import { logShipper } from "../../scripts/extensions/log_shipper.ts";
import { metricsAnnotations } from "../../scripts/extensions/metrics_annotations.ts";
import { metricsSidecar } from "../../scripts/extensions/metrics_sidecar.ts";
import { resources } from "../../scripts/extensions/resources.ts";
import { serviceLevels } from "../../scripts/extensions/service_levels.ts";

interface Asked {
  configuration?: Record<string, unknown>;
  namespace?: string;
  labels?: Record<string, string>;
  container?: Partial<Container>;
}

function podWith({ labels = {}, container = {} }: Asked): Pod {
  const metadata = { name: "req-0", labels, annotations: { own: "kept" } };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [{ name: "c", ...container }] } };
}

function post(document: unknown, headers: Record<string, string> = {}): Request {
  return new Request("http://hook.test/", { method: "POST", headers, body: JSON.stringify(document) });
}

/** What the hooks answer for a pod. */
async function ask(hooks: Hooks, asked: Asked = {}): Promise<Response> {
  const shared = { hook: "pre-create", configuration: asked.configuration ?? null, namespace: asked.namespace ?? null };
  return await answer(post({ ...shared, machine: { name: "req-0", index: 0 }, pod: podWith(asked) }), hooks);
}

/** What they make of it. */
async function made(hooks: Hooks, asked: Asked = {}): Promise<Pod> {
  const response = await ask(hooks, asked);
  assert.equal(response.status, 200, await response.clone().text());
  return await response.json();
}

Deno.test("annotater: defaults, what a selector adds, what the template says; what is there stays", async () => {
  const hooks = annotater({
    defaults: { owner: "grid", own: "lost" },
    rules: [{ matchLabels: { tier: "risk" }, annotations: { owner: "risk", mesh: "off" } }],
  });
  assert.deepEqual((await made(hooks)).metadata.annotations, { owner: "grid", own: "kept" });
  const labels = { tier: "risk" };
  const expected = { owner: "risk", mesh: "off", own: "kept" };
  assert.deepEqual((await made(hooks, { labels })).metadata.annotations, expected);
  const configuration = { annotations: { mesh: "on" } };
  assert.deepEqual((await made(hooks, { labels, configuration })).metadata.annotations, { ...expected, mesh: "on" });
});

Deno.test("resources: each environment has limits of its own, and refuses what is too large", async () => {
  const hooks = resources({ dev: { limits: "remove", mostCpu: 2 }, pro: { limits: "as-requests" } });
  const container = { resources: { requests: { cpu: "1500m" }, limits: { cpu: "4" } } };
  const dev = await made(hooks, { namespace: "risk-dev", container });
  assert.deepEqual(dev.spec.containers[0]?.resources, { requests: { cpu: "1500m" } });
  const pro = await made(hooks, { namespace: "risk-pro", container });
  assert.deepEqual(pro.spec.containers[0]?.resources?.limits, { cpu: "1500m" });
  const refused = await ask(hooks, { namespace: "risk-dev", container: { resources: { requests: { cpu: "3" } } } });
  assert.deepEqual([refused.status, await refused.text()], [403, "3 cores are more than the 2 of environment 'dev'"]);
  assert.equal((await ask(hooks, { namespace: "elsewhere", container })).status, 304);
});

Deno.test("log shipper: every container shares a directory with a sidecar, once, unless the template says no", async () => {
  const hooks = logShipper({ image: "shipper:1", directory: "/logs" });
  const pod = await made(hooks, { container: { volumeMounts: [{ name: "own", mountPath: "/own" }] } });
  assert.deepEqual(pod.spec.containers[0]?.volumeMounts?.map(({ mountPath }) => mountPath), ["/own", "/logs"]);
  assert.deepEqual(pod.spec.initContainers?.map(({ image, restartPolicy }) => [image, restartPolicy]), [
    ["shipper:1", "Always"],
  ]);
  assert.deepEqual(pod.spec.volumes?.map(({ name }) => name), ["log-shipper"]);
  const again = await answer(post({ hook: "pre-create", machine: {}, pod }), hooks);
  assert.equal(again.status, 304);
  assert.equal((await ask(hooks, { configuration: { enabled: false } })).status, 304);
});

Deno.test("metrics: a sidecar or annotations, for templates that name a port", async () => {
  const sidecar = metricsSidecar({ image: "pusher:1", gateway: "http://gateway" });
  const configuration = { port: 9100 };
  const [container] = (await made(sidecar, { configuration })).spec.initContainers ?? [];
  assert.deepEqual(container?.env, [
    { name: "SCRAPE_URL", value: "http://127.0.0.1:9100/metrics" },
    { name: "GATEWAY", value: "http://gateway" },
  ]);
  const annotated = await made(metricsAnnotations(), { configuration });
  assert.equal(annotated.metadata.annotations?.["prometheus.io/port"], "9100");
  for (const hooks of [sidecar, metricsAnnotations()]) assert.equal((await ask(hooks)).status, 304);
});

Deno.test("service levels: written where they are right, and lint says what is wrong", async () => {
  const pod = await made(serviceLevels(), { configuration: { objective: 99.5, window: "30d" } });
  assert.equal(pod.metadata.annotations?.["slo.example.com/objective"], "99.5");
  assert.equal((await ask(serviceLevels())).status, 304);
  const lint = async (configuration: unknown) => {
    const response = await answer(post({ hook: "lint", template: {}, manifest: {}, configuration }), serviceLevels());
    return (await response.json()).findings.map(({ path }: { path: string }) => path);
  };
  assert.deepEqual(await lint({ objective: 99.5, window: "30d" }), []);
  assert.deepEqual(await lint({ objective: 100 }), ["/configuration/objective", "/configuration/window"]);
  assert.deepEqual(await lint({ window: "1d" }), ["/configuration/objective"]);
  assert.deepEqual(await lint(null), []);
});

Deno.test("every example answers batches, each machine for itself", async () => {
  const machines = [0, 1].map((index) => ({
    name: `req-${index}`,
    index,
    pod: podWith({ container: { resources: { requests: { cpu: String(index * 5) } } } }),
  }));
  const hooks = resources({ dev: { mostCpu: 2 } });
  const response = await answer(post({ hook: "pre-create", namespace: "a-dev", machines }), hooks);
  const { answers } = await response.json();
  assert.deepEqual(answers.map(({ status }: { status: number }) => status), [304, 403]);
});

Deno.test("with a key, only calls with a good and fresh signature are answered", async () => {
  const sign = (seconds: number, key: string) => {
    const hex = createHmac("sha256", key).update(`${seconds}.${JSON.stringify({ hook: "notify" })}`).digest("hex");
    return { "hostfactory-signature": `t=${seconds},v1=${hex}` };
  };
  const now = Math.floor(Date.now() / 1000);
  const status = async (headers: Record<string, string>) =>
    (await answer(post({ hook: "notify" }, headers), serviceLevels(), "key")).status;
  assert.equal(await status(sign(now, "key")), 204);
  for (const bad of [{}, sign(now, "other"), sign(now - 3_600, "key"), { "hostfactory-signature": "t=1,v1=zz" }]) {
    assert.equal(await status(bad), 401);
  }
});
