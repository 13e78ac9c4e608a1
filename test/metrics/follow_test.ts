import assert from "node:assert/strict";
import { KubeError } from "../../src/kube/errors.ts";
import type { ReflectorSink } from "../../src/kube/reflector.ts";
import { besides, type Onlooker } from "../../src/metrics/follow.ts";
import { captureLog } from "../support/captured_log.ts";

/** Notes what it is told, after its own name. */
function noting(who: string, heard: string[]): ReflectorSink<string> {
  const note = (what: string) => void heard.push(`${who} ${what}`);
  return {
    begin: () => note("begin"),
    page: (objects) => note(`page ${objects}`),
    complete: () => note("complete"),
    event: (type, object) => note(`${type} ${object}`),
    heard: () => note("heard"),
    failed: () => note("failed"),
  };
}

function tellAll(sink: ReflectorSink<string>): void {
  sink.begin({ wentBack: false });
  sink.page(["a", "b"]);
  sink.complete();
  sink.event("ADDED", "c");
  sink.heard();
  sink.failed(new KubeError("gone", "x"), 0);
}

Deno.test("the sink hears everything first, then the onlooker", () => {
  const heard: string[] = [];
  tellAll(besides(noting("sink", heard), noting("onlooker", heard) as Onlooker<string>));
  const each = ["begin", "page a,b", "complete", "ADDED c", "heard", "failed"];
  assert.deepEqual(heard, each.flatMap((what) => [`sink ${what}`, `onlooker ${what}`]));
});

Deno.test("a list that the sink doubts is none for the onlooker", () => {
  const heard: string[] = [];
  const doubting = { ...noting("sink", heard), complete: () => "doubted" as const };
  assert.equal(besides(doubting, noting("onlooker", heard) as Onlooker<string>).complete(), "doubted");
  assert.deepEqual(heard, []);
});

Deno.test("what the onlooker throws stops nothing, and is logged once; what the sink throws is thrown", () => {
  using log = captureLog();
  const heard: string[] = [];
  const broken = () => {
    throw new Error("broken");
  };
  const onlooker = { begin: broken, page: broken, complete: broken, event: broken, heard: broken, failed: broken };
  tellAll(besides(noting("sink", heard), onlooker));
  assert.equal(heard.length, 6);
  assert.equal(log.lines.length, 1);
  assert.match(log.lines[0]!, /^error .*error=/);
  assert.throws(() => besides({ ...noting("sink", heard), event: broken }, onlooker).event("ADDED", "c"), /broken/);
});
