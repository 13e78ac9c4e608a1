import assert from "node:assert/strict";
import type { Refusal } from "../../src/metrics/declared.ts";
import { MOST_SITE_SERIES, SiteMetrics } from "../../src/metrics/site_metrics.ts";

const plain = { isOpenMetrics: false };
const NOW = 1_795_277_711;

/** Site metrics with a TTL of an hour, and what they refused. */
function begun(): { metrics: SiteMetrics; refused: Refusal[]; page: (now?: number) => string[] } {
  const refused: Refusal[] = [];
  const metrics = new SiteMetrics({ ttlSeconds: 3_600, refused: (why) => refused.push(why) });
  const page = (now = NOW) => [...metrics.lines(now, plain)].join("").split("\n").filter((line) => /^[^#]/.test(line));
  return { metrics, refused, page };
}

function metric(pairs: Record<string, unknown>, timestamp: unknown = NOW): Record<string, unknown> {
  return { category: "metric", timestamp, ...pairs };
}

Deno.test("numbers are gauges, texts their labels, and the event's time is theirs, as the legacy plug-in shows them", () => {
  const { metrics, page } = begun();
  metrics.take([metric({ grid_busy_slots: 7, application: "pricing", site: "london", empty: "" })], NOW);
  assert.deepEqual(page(), ['grid_busy_slots{application="pricing",site="london"} 7 1795277711000']);
});

Deno.test("OpenMetrics has times in seconds, and each name has one type", () => {
  const { metrics } = begun();
  metrics.take([metric({ load: 1.5, site: "a" }), metric({ load: 2, site: "b" })], NOW);
  assert.equal(
    [...metrics.lines(NOW, { isOpenMetrics: true })].join(""),
    "# HELP load Given by the site, in a metric event\n# TYPE load gauge\n" +
      `load{site="a"} 1.5 ${NOW}\nload{site="b"} 2 ${NOW}\n`,
  );
});

Deno.test("what names cannot hold becomes _, what values hold is escaped, and true counts as 1", () => {
  const { metrics, page } = begun();
  metrics.take([metric({ "grid-up": true, "1st": 2, "hf-pod:x": 'a"b\\c\nd' })], NOW);
  assert.deepEqual(page(), [
    'grid_up{hf_pod_x="a\\"b\\\\c\\nd"} 1 1795277711000',
    '_1st{hf_pod_x="a\\"b\\\\c\\nd"} 2 1795277711000',
  ]);
});

Deno.test("of a series the newest counts, whatever comes last; to see one twice changes nothing", () => {
  const { metrics, page } = begun();
  const events = [metric({ load: 2 }, NOW - 1), metric({ load: 1 }, NOW - 2), metric({ load: 2 }, NOW - 1)];
  metrics.take(events, NOW);
  assert.deepEqual(page(), [`load 2 ${NOW - 1}000`]);
});

Deno.test("a series goes once it is older than its time to live, by its own time, and one from far ahead never comes", () => {
  const { metrics, page } = begun();
  metrics.take([metric({ load: 1 }), metric({ old: 1 }, NOW - 3_601), metric({ milliseconds: 1 }, NOW * 1_000)], NOW);
  assert.deepEqual(page(), [`load 1 ${NOW}000`]);
  assert.equal(page(NOW + 3_600).length, 1);
  assert.deepEqual(page(NOW + 3_601), []);
});

Deno.test("what has no time, or a name of ours, or is one too many is refused and counted; what is no metric is not looked at", () => {
  const { metrics, refused, page } = begun();
  metrics.take([
    metric({ load: 1 }, "yesterday"),
    metric({ machines_requested: 1, pod_cpu: 1, hostfactory_new: 1, "": 1 }),
    { category: "pod", timestamp: NOW, load: 1 },
  ], NOW);
  assert.deepEqual(page(), []);
  assert.deepEqual(refused, ["no_time", "name_taken", "name_taken", "name_taken"]);
  metrics.take(Array.from({ length: MOST_SITE_SERIES + 1 }, (_, n) => metric({ load: n, n: String(n) })), NOW);
  assert.equal(page().length, MOST_SITE_SERIES);
  assert.deepEqual(refused.slice(4), ["too_many"]);
  assert.deepEqual(page(NOW + 9_999), []);
  metrics.take([metric({ load: 1 })], NOW);
  assert.equal(page().length, 1, "what has gone makes room");
});
