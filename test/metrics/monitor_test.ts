import assert from "node:assert/strict";
import { KubeError } from "../../src/kube/errors.ts";
import type { Node, Pod } from "../../src/kube/types.ts";
import { METRICS } from "../../src/metrics/declared.ts";
import { Monitor } from "../../src/metrics/monitor.ts";
import { PodLabel, REQUEST_ANNOTATION } from "../../src/templates/podspec.ts";
import { FakeKube } from "../support/fake_kube.ts";
import { hasOpenMetricsParser, parseOpenMetrics } from "../support/open_metrics.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

const usage = () => ({ rss: 100, heapUsed: 50 });
const deaf = { begin() {}, page() {}, complete() {}, event() {}, heard() {}, failed() {} };
const plain = { isOpenMetrics: false };

/** A page as one text. */
async function pageOf(monitor: Monitor, options = plain): Promise<string> {
  return await new Blob(await monitor.page(options) as Uint8Array<ArrayBuffer>[]).text();
}

const measureDisk = () => Promise.resolve(new Map());
const settings = { usage, measureDisk, siteTtlSeconds: 3_600 };

function pod(n: number): Pod {
  const labels = { [PodLabel.instance]: "ours", "app.kubernetes.io/name": "symphony" };
  const annotations = { [REQUEST_ANNOTATION]: JSON.stringify({ count: 1, requestedAt: 0 }) };
  return {
    metadata: { name: `machine-${n}`, uid: `uid-${n}`, resourceVersion: "1", labels, annotations },
    spec: { nodeName: `node-${n % 50}`, containers: [{ name: "a", image: "registry.example/symphony:7.3.2" }] },
    status: {
      phase: "Running",
      podIP: "10.0.0.1",
      hostIP: "192.0.2.1",
      conditions: ["Initialized", "PodScheduled", "ContainersReady", "Ready"].map((type) => ({ type, status: "True" })),
    },
  };
}

Deno.test("what is followed and what the loops do is on the page", async () => {
  const clock = new SimulatedClock();
  const monitor = new Monitor({ clock, ...settings, mostObjects: 1 });
  const pods = monitor.follow<Pod>("pods", deaf, "ours");
  const created = new Date(clock.now() + 5_000).toISOString();
  const [first, second] = [pod(1), pod(2)].map((one) => ({
    ...one,
    metadata: { ...one.metadata, creationTimestamp: created },
  }));
  pods.begin({ wentBack: false });
  pods.page([first, second].flatMap((one) => one ?? []));
  pods.heard();
  pods.complete();
  await clock.advance(7_000);
  monitor.follow<Node>("nodes", deaf, "ours").event("ADDED", { metadata: { name: "n", uid: "n" }, spec: {} });
  monitor.askLoops(() => ({
    counts: { pods: 2, setAside: 3, heldDeletions: undefined, spooledBatches: 4 },
    backlogs: { pods: { all: 5, failed: 1 } },
  }));
  monitor.spooled([{ category: "metric", timestamp: clock.now() / 1_000, grid_load: 0.5 }, {
    category: "metric",
    n: 1,
  }]);
  monitor.steps.ended("pods", { outcome: "failed", ms: 20 });
  const page = await pageOf(monitor);
  for (
    const line of [
      'hostfactory_watch_age_seconds{resource="pods"} 7',
      'hostfactory_watch_age_seconds{resource="nodes"} -1',
      'hostfactory_watch_lists_total{resource="pods"} 1',
      'hostfactory_request_to_stage_seconds_count{stage="created"} 2',
      'hostfactory_series_left_out{of="pods"} 1',
      "hostfactory_pods_followed 2",
      "hostfactory_quarantined_entries 3",
      "hostfactory_spooled_batches 4",
      'hostfactory_queue_depth{loop="pods"} 5',
      'hostfactory_queue_retries{loop="pods"} 1',
      'hostfactory_queue_depth{loop="expiry"} 0',
      'hostfactory_metric_events_refused_total{reason="no_time"} 1',
      `grid_load 0.5 ${clock.now()}`,
      'hostfactory_loop_steps_total{loop="pods",outcome="failed"} 1',
      "process_resident_memory_bytes 100",
      "hostfactory_owner 0",
    ]
  ) assert.ok(page.includes(`\n${line}\n`), line);
  assert.match(page, /^pod_condition\{.*pod_name="machine-1".*,type="Ready"\} 1$/m);
  assert.match(page, /^node_cpu\{.*node_name="n".*\} 0$/m);
  assert.doesNotMatch(page, /machine-2/);
});

Deno.test("a page of OpenMetrics ends as one", async () => {
  const monitor = new Monitor({ clock: new SimulatedClock(), ...settings, mostObjects: 1 });
  const page = await pageOf(monitor, { isOpenMetrics: true });
  assert.match(page, /# TYPE hostfactory_api_calls counter\nhostfactory_api_calls_total\{.*\n# EOF\n$/s);
});

const noParser = hasOpenMetricsParser ? "" : " (SKIPPED: no python3 with prometheus-client)";
Deno.test({
  name: `the reference parser takes the page of OpenMetrics, of which it finds every metric${noParser}`,
  ignore: !hasOpenMetricsParser,
  async fn() {
    const clock = new SimulatedClock();
    const monitor = new Monitor({ clock, ...settings, mostObjects: 1 });
    monitor.follow<Pod>("pods", deaf, "ours").page([pod(1)]);
    const labels = { application: 'a"b\\c', site: "ü" };
    monitor.spooled([{ category: "metric", timestamp: clock.now() / 1_000, grid_load: 0.5, grid_total: 1, ...labels }]);
    monitor.delayed(3);
    const { families, samples } = await parseOpenMetrics(await pageOf(monitor, { isOpenMetrics: true }));
    // Beside those of the loops: a pod's cpu, memory and conditions, and two of the site.
    assert.equal(families, Object.keys(METRICS).length + 5);
    assert.ok(samples > 500, `${samples} samples`);
    await assert.rejects(parseOpenMetrics(await pageOf(monitor)), /ValueError/);
  },
});

Deno.test("a call that is answered with what is so has not failed", async () => {
  const clock = new SimulatedClock();
  const monitor = new Monitor({ clock, ...settings, mostObjects: 0 });
  const fake = new FakeKube(clock);
  const kube = monitor.kube(fake);
  for (let times = 0; times < 2; times++) await assert.rejects(kube.getPod("nowhere-0"), { kind: "notFound" });
  fake.fail("getPod", new KubeError("unavailable", "away"));
  await assert.rejects(kube.getPod("nowhere-0"), { kind: "unavailable" });
  const { ok, failed } = monitor.calls.get("getPod") ?? {};
  assert.deepEqual([ok, failed], [2, 1]);
  assert.match(await pageOf(monitor), /hostfactory_api_calls_total\{call="getPod",outcome="notFound"\} 2/);
});

Deno.test("every metric is on the page once, before anything has happened", async () => {
  const page = await pageOf(new Monitor({ clock: new SimulatedClock(), ...settings, mostObjects: 0 }));
  for (const name of Object.keys(METRICS)) assert.equal(page.split(`# TYPE ${name} `).length, 2, name);
  assert.doesNotMatch(page, /^(pod|node)_|NaN|undefined/m);
});

Deno.test("with 10,000 machines a page is sent in many pieces, and lacks none", async () => {
  const monitor = new Monitor({ clock: new SimulatedClock(), ...settings, mostObjects: 10_000 });
  monitor.follow<Pod>("pods", deaf, "ours").page(Array.from({ length: 10_000 }, (_, n) => pod(n)));
  assert.ok((await monitor.page(plain)).length > 100);
  assert.equal((await pageOf(monitor)).match(/^pod_cpu\{/gm)?.length, 10_000);
});
