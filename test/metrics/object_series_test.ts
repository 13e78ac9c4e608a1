import assert from "node:assert/strict";
import type { Pod } from "../../src/kube/types.ts";
import { podFacts } from "../../src/metrics/object_facts.ts";
import { ObjectSeries, plainTime } from "../../src/metrics/object_series.ts";

const now = (ms: number) => ({ ms, time: "2026-11-21T16:20:00.000Z" });

function pod(
  uid: string,
  { version = "1", name = uid, deletionTimestamp = undefined as string | undefined } = {},
): Pod {
  const gone = deletionTimestamp === undefined ? {} : { deletionTimestamp };
  const containers = [{ name: "a", image: "i:1", resources: { requests: { cpu: "500m", memory: "1Gi" } } }];
  const conditions = [{ type: "Ready", status: "True" as const }, { type: "Other", status: "False" as const }];
  return {
    metadata: { name, uid, resourceVersion: version, namespace: "ns", ...gone },
    spec: { containers },
    status: { phase: "Running", conditions },
  };
}

const text = (series: ObjectSeries<Pod>, name: "pod_cpu" | "pod_condition" = "pod_cpu", ms = 0) =>
  [...series.lines(name, ms)].join("");

Deno.test("a pod is a line under the help of its metric, its labels in the order of the alphabet", () => {
  const series = new ObjectSeries(podFacts, { most: 10 });
  assert.equal(text(series), "");
  series.saw(pod("u", { name: 'a"\\\n' }));
  const labels = 'end_time="",image="i:1",namespace="ns",node_ip="",node_name="",phase="running",pod_ip="",' +
    'pod_name="a\\"\\\\\\n",pod_type="",start_time=""';
  assert.equal(text(series), `# HELP pod_cpu CPUs that a pod requests\n# TYPE pod_cpu gauge\npod_cpu{${labels}} 0.5\n`);
  assert.match(text(series, "pod_condition"), /gauge\npod_condition\{.*,type="Ready"\} 1\n$/);
});

Deno.test("what is gone stays for 900 seconds, and says when it went", () => {
  const series = new ObjectSeries(podFacts, { most: 10 });
  series.saw(pod("u"));
  series.gone(pod("u", { version: "2" }), now(1_000));
  assert.match(text(series, "pod_cpu", 900_999), /end_time="2026-11-21T16:20:00"/);
  assert.equal(text(series, "pod_cpu", 901_000), "");
  series.gone(pod("v", { deletionTimestamp: "2026-11-21T16:14:32Z" }), now(1_000));
  assert.match(text(series, "pod_cpu", 1_000), /end_time="2026-11-21T16:14:32"/);
});

Deno.test("what a list does not name is gone, though nothing said so", () => {
  const series = new ObjectSeries(podFacts, { most: 10 });
  series.saw(pod("u"));
  series.begin();
  series.listed(pod("v"));
  series.complete(now(0));
  assert.match(text(series), /end_time="2026-11-21T16:20:00".*pod_name="u"/);
  assert.match(text(series), /end_time="".*pod_name="v"/);
});

Deno.test("those that are one too many are counted; what is gone makes room", () => {
  const series = new ObjectSeries(podFacts, { most: 2 });
  for (const uid of ["a", "b", "c"]) series.saw(pod(uid));
  assert.equal(series.leftOut, 1);
  assert.doesNotMatch(text(series), /pod_name="c"/);
  series.gone(pod("a"), now(0));
  series.saw(pod("c", { version: "2" }));
  assert.equal(series.leftOut, 0);
  assert.doesNotMatch(text(series), /pod_name="a"/);
  assert.match(text(series), /pod_name="c"/);
});

Deno.test("a time loses its zone", () => {
  assert.equal(plainTime("2026-11-21T16:13:49Z"), "2026-11-21T16:13:49");
  assert.equal(plainTime(null), "");
});
