import assert from "node:assert/strict";
import { seededRandom } from "../../src/random.ts";
import { KubeError, type KubeErrorKind } from "../../src/kube/errors.ts";
import type { Source } from "../../src/kube/kube.ts";
import { reflect, type ReflectorOptions } from "../../src/kube/reflector.ts";
import type { KubeList, Pod } from "../../src/kube/types.ts";
import { ManualClock, pod, settle } from "./fakes.ts";

type Step = { type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; name?: string; version: string };
type Watch = { steps?: Step[]; lastsMs?: number; error?: KubeError };

/** A cluster that answers from scripts; when one has run out, its last entry is repeated. */
function script(
  { lists, watches, isCarrying = () => true }: {
    lists: (KubeList<Pod> | KubeError)[];
    watches: Watch[];
    /** Whether a watch of one object begins with that. */
    isCarrying?: () => boolean;
  },
) {
  const clock = new ManualClock();
  const calls: string[] = [];
  const told: string[] = [];
  const heard: number[] = [];
  const timeouts: number[] = [];
  const reconnects: number[] = [];
  /** What the sink says of each LIST in turn; of any further one, nothing. */
  const verdicts: ("doubted" | undefined)[] = [];
  const failures: { kind: KubeErrorKind; retryMs: number }[] = [];
  const abort = new AbortController();
  let listed = 0, watched = 0;
  const source: Source<Pod> = {
    list({ limit, continueToken }) {
      calls.push(`LIST limit=${limit} continue=${continueToken}`);
      const answer = lists[Math.min(listed++, lists.length - 1)];
      return answer instanceof KubeError ? Promise.reject(answer) : Promise.resolve(answer!);
    },
    reconnect: () => void reconnects.push(clock.monotonic()),
    async *watch({ resourceVersion, fieldSelector, timeoutSeconds, signal }) {
      if (fieldSelector !== undefined) {
        calls.push(`PROBE ${fieldSelector}`);
        if (isCarrying()) yield { type: "ADDED", object: pod("a") };
        else await clock.sleep(timeoutSeconds * 1000, signal);
        return;
      }
      calls.push(`WATCH ${resourceVersion}`);
      timeouts.push(timeoutSeconds);
      const { steps = [], lastsMs = 0, error } = watches[Math.min(watched++, watches.length - 1)]!;
      for (const { type, name, version } of steps) {
        yield { type, object: name ? pod(name, version) : { kind: "Pod", metadata: { resourceVersion: version } } } as {
          type: "ADDED";
          object: Pod;
        };
      }
      if (lastsMs > 0) await clock.sleep(Math.min(lastsMs, timeoutSeconds * 1000), signal);
      if (error) throw error;
    },
  };
  const sink = {
    begin: ({ wentBack }: { wentBack: boolean }) => void told.push(wentBack ? "begin from before" : "begin"),
    page: (pods: Pod[]) => void told.push(`page ${pods.map((one) => one.metadata.name)}`),
    complete: () => {
      told.push("complete");
      return verdicts.shift();
    },
    event: (type: string, one: Pod) => void told.push(`${type} ${one.metadata.name}`),
    heard: () => void heard.push(clock.monotonic()),
    failed: (error: KubeError, retryMs: number) => void failures.push({ kind: error.kind, retryMs }),
  };
  const start = (options: Partial<ReflectorOptions> = {}) =>
    reflect(source, sink, { clock, random: seededRandom(1), signal: abort.signal, ...options });
  return { clock, calls, told, heard, timeouts, reconnects, verdicts, failures, abort, sink, start };
}

/** A watch that says nothing but that it is alive. */
const alive: Watch = { steps: [{ type: "BOOKMARK", version: "7" }], lastsMs: 60_000 };

const list = (version: string, names: string[], continueToken?: string): KubeList<Pod> => ({
  kind: "PodList",
  metadata: { resourceVersion: version, ...(continueToken ? { continue: continueToken } : {}) },
  items: names.map((name) => pod(name)),
});
const trouble = (kind: KubeErrorKind, retryAfterMs?: number) =>
  new KubeError(kind, kind, retryAfterMs === undefined ? {} : { retryAfterMs });

Deno.test("A reflector lists in pages, then follows from where the list was", async () => {
  const { clock, calls, told, abort, start } = script({
    lists: [list("7", ["a", "b"], "more"), list("7", ["c"])],
    watches: [{
      steps: [{ type: "ADDED", name: "d", version: "8" }, { type: "BOOKMARK", version: "20" }],
      lastsMs: 60_000,
    }, {
      lastsMs: 60_000,
    }],
  });
  const ended = start({ pageLimit: 2 });
  await clock.advance(60_000);
  assert.deepEqual(calls, ["LIST limit=2 continue=undefined", "LIST limit=2 continue=more", "WATCH 7", "WATCH 20"]);
  assert.deepEqual(told, ["begin", "page a,b", "page c", "complete", "ADDED d"]);
  abort.abort();
  await ended;
  await settle();
  assert.equal(clock.sleepers, 0);
});

Deno.test("A resource version that is too old leads to a new LIST at once", async () => {
  const { clock, calls, failures, abort, start } = script({
    lists: [list("7", []), list("90", [])],
    watches: [{ error: trouble("gone") }, { lastsMs: 60_000 }],
  });
  const ended = start();
  await clock.advance(0);
  assert.deepEqual(calls, [
    "LIST limit=500 continue=undefined",
    "WATCH 7",
    "LIST limit=500 continue=undefined",
    "WATCH 90",
  ]);
  assert.deepEqual(failures, [{ kind: "gone", retryMs: 0 }]);
  abort.abort();
  await ended;
});

Deno.test("After an outage a version that is too old leads to a new LIST at once", async () => {
  const bad = { error: trouble("unavailable") };
  const { clock, failures, abort, start } = script({
    lists: [list("7", [])],
    watches: [bad, bad, bad, bad, bad, { error: trouble("gone") }, { lastsMs: 60_000 }],
  });
  const ended = start();
  await clock.advance(60_000);
  assert.deepEqual(failures.at(-1), { kind: "gone", retryMs: 0 });
  abort.abort();
  await ended;
});

Deno.test("A server that forgets at once, again and again, is asked ever more rarely", async () => {
  const { clock, calls, abort, start } = script({ lists: [list("7", [])], watches: [{ error: trouble("gone") }] });
  const ended = start();
  await clock.advance(60_000);
  assert.ok(calls.length < 30, `${calls.length} calls in a minute`);
  abort.abort();
  await ended;
});

Deno.test("A continue token that is too old begins the LIST again, and at last without pages", async () => {
  const { clock, calls, told, abort, start } = script({
    lists: [list("7", ["a"], "x"), trouble("gone"), list("8", ["a"], "x"), trouble("gone"), list("9", ["a", "b"])],
    watches: [{ lastsMs: 60_000 }],
  });
  const ended = start();
  await clock.advance(1000);
  assert.equal(calls.at(-2), "LIST limit=undefined continue=undefined");
  assert.deepEqual(told, ["begin", "page a", "begin", "page a", "begin", "page a,b", "complete"]);
  abort.abort();
  await ended;
});

Deno.test("A watch that breaks goes on from the last version, without a LIST, after ever longer waits", async () => {
  const { clock, calls, failures, abort, start } = script({
    lists: [list("7", []), list("9", [])],
    watches: [{ steps: [{ type: "MODIFIED", name: "a", version: "9" }], error: trouble("unavailable") }, {
      error: trouble("unavailable"),
    }],
  });
  const ended = start();
  await clock.advance(20_000);
  assert.equal(calls.filter((call) => call.startsWith("LIST limit=500")).length, 1);
  const rest = calls.slice(2);
  assert.ok(rest.every((call, i) => call === (i % 2 === 0 ? "LIST limit=1 continue=undefined" : "WATCH 9")), `${rest}`);
  for (const [index, { retryMs }] of failures.entries()) {
    const full = Math.min(10_000, 200 * 2 ** index);
    assert.ok(retryMs >= full / 2 && retryMs <= full, `${retryMs} after ${index} failures`);
  }
  assert.ok(failures.length > 4);
  abort.abort();
  await ended;
});

Deno.test("The wait is short again once a watch was healthy", async () => {
  const bad = { error: trouble("unavailable") };
  const { clock, failures, abort, start } = script({
    lists: [list("7", [])],
    watches: [bad, bad, bad, bad, { lastsMs: 10_000, error: trouble("unavailable") }, { lastsMs: 600_000 }],
  });
  const ended = start();
  await clock.advance(30_000);
  assert.ok(failures[3]!.retryMs >= 800);
  assert.ok(failures[4]!.retryMs <= 200);
  abort.abort();
  await ended;
});

Deno.test("A source that we may not see is asked for ever more rarely, as rarely as was asked for", async () => {
  for (const longestRefusalMs of [undefined, 600_000]) {
    const { clock, calls, failures, abort, start } = script({ lists: [trouble("unauthorised")], watches: [{}] });
    const ended = start(longestRefusalMs === undefined ? {} : { longestRefusalMs });
    await clock.advance(longestRefusalMs === undefined ? 60_000 : 3_600_000);
    const longest = Math.max(...failures.map(({ retryMs }) => retryMs));
    if (longestRefusalMs === undefined) assert.ok(longest <= 10_000);
    else {assert.ok(
        calls.length < 25 && longest > 300_000 && longest <= 600_000,
        `${calls.length} calls, ${longest} ms`,
      );}
    abort.abort();
    await ended;
  }
});

for (
  const [what, error] of [
    ["whose kind the cluster does not know", new KubeError("notFound", "none")],
    [
      "that RBAC does not let us see",
      new KubeError("unauthorised", 'User "u" cannot list resource "hostfactoryextensions" in API group "x"'),
    ],
  ] as const
) {
  Deno.test(`What may be absent, ${what}, is looked for as rarely as was asked for, and found once it is there`, async () => {
    const lists = [error, error, list("7", ["a"])];
    const { clock, calls, failures, told, abort, start } = script({ lists, watches: [{ lastsMs: 60_000 }] });
    const ended = start({ absentMs: 600_000 });
    await clock.advance(599_999);
    assert.equal(calls.length, 1);
    await clock.advance(600_000);
    assert.equal(calls.length, 2);
    await clock.advance(1);
    assert.deepEqual(failures.map(({ retryMs }) => retryMs), [600_000, 600_000]);
    assert.ok(told.some((line) => line.includes("a")), told.join());
    abort.abort();
    await ended;
  });
}

Deno.test("Where something may be absent, other trouble is tried again as soon as ever", async () => {
  const { clock, failures, abort, start } = script({ lists: [trouble("unavailable")], watches: [{}] });
  const ended = start({ absentMs: 600_000 });
  await clock.advance(60_000);
  assert.ok(failures.length > 5 && failures.every(({ retryMs }) => retryMs <= 10_000));
  abort.abort();
  await ended;
});

Deno.test("Retry-After is honoured", async () => {
  const { clock, failures, abort, start } = script({
    lists: [trouble("throttled", 17_000), list("7", [])],
    watches: [{ lastsMs: 60_000 }],
  });
  const ended = start();
  await clock.advance(0);
  assert.deepEqual(failures, [{ kind: "throttled", retryMs: 17_000 }]);
  abort.abort();
  await ended;
});

Deno.test("A watch that ends at once, again and again, does not spin", async () => {
  for (const steps of [[], [{ type: "BOOKMARK" as const, version: "9" }]]) {
    const { clock, calls, abort, start } = script({ lists: [list("7", [])], watches: [{ steps }] });
    const ended = start();
    await clock.advance(10_000);
    assert.ok(calls.length <= 102, `${calls.length} calls in ten seconds`);
    abort.abort();
    await ended;
  }
});

Deno.test("All is listed again on a period, and if that fails the watch goes on", async () => {
  const { clock, calls, abort, start } = script({
    lists: [list("7", []), trouble("unavailable"), list("70", [])],
    watches: [{ steps: [{ type: "BOOKMARK", version: "7" }], lastsMs: 60_000 }],
  });
  const ended = start({ relistMs: 120_000 });
  await clock.advance(180_000);
  const second = calls.indexOf("LIST limit=500 continue=undefined", 1);
  assert.deepEqual(calls.slice(second, second + 2), ["LIST limit=500 continue=undefined", "WATCH 7"]);
  await clock.advance(60_000);
  assert.ok(calls.includes("WATCH 70"));
  abort.abort();
  await ended;
});

Deno.test("What the sink throws is a failure after which all is listed again", async () => {
  const { clock, calls, failures, sink, abort, start } = script({
    lists: [list("7", [])],
    watches: [{ steps: [{ type: "ADDED", name: "a", version: "8" }] }, { lastsMs: 60_000 }],
  });
  sink.event = () => {
    throw new Error("disk full");
  };
  const ended = start();
  await clock.advance(1000);
  assert.equal(calls.filter((call) => call.startsWith("LIST")).length, 2);
  assert.equal(failures.length, 1);
  abort.abort();
  await ended;
});

Deno.test("A reflector whose signal has aborted does nothing", async () => {
  const { calls, told, abort, start } = script({ lists: [list("7", [])], watches: [{}] });
  abort.abort();
  await start();
  assert.deepEqual([calls, told], [[], []]);
});

/** How many whole LISTs were asked for. */
const listsIn = (calls: string[]) => calls.filter((call) => call.startsWith("LIST limit=500")).length;

Deno.test("If watches can carry nothing, they are not heard, and all is listed instead, every few seconds", async () => {
  for (const lastsMs of [60_000, 0]) {
    const { clock, calls, heard, abort, start } = script({
      lists: [list("7", ["a"])],
      watches: [{ lastsMs }],
      isCarrying: () => false,
    });
    const ended = start();
    await clock.advance(lastsMs + 10_000);
    const before = listsIn(calls);
    assert.ok(before >= 1 && heard.length === before, "nothing but lists was heard");
    await clock.advance(60_000);
    const lists = listsIn(calls) - before;
    assert.ok(lists >= 4 && lists <= 7, `${lists} lists in a minute`);
    abort.abort();
    await ended;
  }
});

Deno.test("If nothing happens in a cluster, a watch between two looks at one object shows that nothing does", async () => {
  const { clock, calls, heard, timeouts, abort, start } = script({
    lists: [list("7", ["a", "b"])],
    watches: [{ lastsMs: 60_000 }],
  });
  const beganMs = clock.monotonic();
  const ended = start();
  await clock.advance(200_000);
  const silent = ["WATCH 7", "LIST limit=1 continue=undefined", "PROBE metadata.name=a"];
  const proved = [...silent, ...silent];
  assert.deepEqual(calls, ["LIST limit=500 continue=undefined", ...proved, ...proved, "WATCH 7"]);
  assert.deepEqual(heard.map((atMs) => atMs - beganMs), [0, 70_100, 140_300]);
  assert.deepEqual(timeouts, [60, 10, 60, 10, 60]);
  abort.abort();
  await ended;
});

Deno.test("What a watch missed that carried nothing for a while is told before anything is heard", async () => {
  const { clock, told, heard, abort, start } = script({
    lists: [list("7", ["a"])],
    watches: [{ lastsMs: 60_000 }, { steps: [{ type: "MODIFIED", name: "a", version: "8" }], lastsMs: 60_000 }],
  });
  const beganMs = clock.monotonic();
  const ended = start();
  await clock.advance(61_000);
  assert.deepEqual(told, ["begin", "page a", "complete", "MODIFIED a"]);
  assert.deepEqual(heard.map((atMs) => atMs - beganMs), [0, 60_100]);
  abort.abort();
  await ended;
});

Deno.test("A watch after one look that was not carried is not heard for its silence", async () => {
  const carried = [true, false];
  const { clock, calls, heard, abort, start } = script({
    lists: [list("7", ["a"])],
    watches: [{ lastsMs: 60_000 }],
    isCarrying: () => carried.shift() ?? true,
  });
  const beganMs = clock.monotonic();
  const ended = start();
  await clock.advance(90_000);
  assert.equal(listsIn(calls), 2);
  assert.deepEqual(heard.map((atMs) => atMs - beganMs), [0, 75_200], "the two lists");
  await clock.advance(10_000);
  assert.equal(heard.length, 3, "a watch between two looks that were carried");
  abort.abort();
  await ended;
});

Deno.test("If nothing exists, it is listed again after each watch that carried nothing", async () => {
  const { clock, calls, abort, start } = script({ lists: [list("7", [])], watches: [{ lastsMs: 60_000 }] });
  const ended = start();
  await clock.advance(130_000);
  assert.equal(listsIn(calls), 3);
  assert.ok(!calls.some((call) => call.startsWith("PROBE")));
  abort.abort();
  await ended;
});

Deno.test("A silent watch of a server that was put back to an earlier state leads to a LIST", async () => {
  const { clock, told, abort, start } = script({
    lists: [list("70", ["a", "b"]), list("50", ["a"])],
    watches: [{ lastsMs: 60_000 }, alive],
  });
  const ended = start();
  await clock.advance(61_000);
  assert.deepEqual(told, ["begin", "page a,b", "complete", "begin from before", "page a", "complete"]);
  abort.abort();
  await ended;
});

Deno.test("Watches are short as long as they can carry nothing", async () => {
  const { clock, timeouts, abort, start } = script({
    lists: [list("7", ["a"])],
    watches: [alive, { lastsMs: 60_000 }, { lastsMs: 10_000 }, alive, alive],
    isCarrying: () => false,
  });
  const ended = start();
  await clock.advance(240_000);
  assert.deepEqual(timeouts.slice(0, 5), [60, 60, 10, 10, 60]);
  abort.abort();
  await ended;
});

Deno.test("Once etcd was seen to be put back, all is listed again after the watch that is under way", async () => {
  let restores = 0;
  const { clock, calls, abort, start } = script({ lists: [list("7", ["a"])], watches: [alive] });
  const ended = start({ restores: () => restores });
  await clock.advance(70_000);
  assert.equal(listsIn(calls), 1);
  restores = 1;
  await clock.advance(60_000);
  assert.equal(listsIn(calls), 2);
  await clock.advance(120_000);
  assert.equal(listsIn(calls), 2);
  abort.abort();
  await ended;
});

Deno.test("A watch that carries bookmarks alone is heard, and nothing is listed because of it", async () => {
  const { clock, calls, heard, abort, start } = script({ lists: [list("7", [])], watches: [alive] });
  const ended = start();
  await clock.advance(300_000);
  assert.equal(calls.filter((call) => call.startsWith("LIST")).length, 1);
  assert.ok(heard.length >= 5);
  abort.abort();
  await ended;
});

Deno.test("A server that comes back with an earlier resource version is listed, and that is said", async () => {
  const { clock, calls, told, abort, start } = script({
    lists: [list("70", ["a", "b"]), list("50", ["a"])],
    watches: [{ lastsMs: 5_000, error: trouble("unavailable") }, alive],
  });
  const ended = start();
  await clock.advance(7_000);
  assert.deepEqual(calls, [
    "LIST limit=500 continue=undefined",
    "WATCH 70",
    "LIST limit=1 continue=undefined",
    "LIST limit=500 continue=undefined",
    "WATCH 50",
  ]);
  assert.deepEqual(told, ["begin", "page a,b", "complete", "begin from before", "page a", "complete"]);
  abort.abort();
  await ended;
});

Deno.test("A LIST that is doubted is asked for again over other connections, in pages of another size", async () => {
  const { clock, calls, told, reconnects, verdicts, abort, start } = script({
    lists: [list("7", []), list("9", ["a"])],
    watches: [alive],
  });
  verdicts.push("doubted");
  const ended = start();
  await clock.advance(1_000);
  assert.deepEqual(calls, ["LIST limit=500 continue=undefined"]);
  assert.equal(reconnects.length, 1);
  await clock.advance(2_000);
  assert.deepEqual(calls.slice(1), ["LIST limit=250 continue=undefined", "WATCH 9"]);
  assert.deepEqual(told, ["begin", "page ", "complete", "begin", "page a", "complete"]);
  abort.abort();
  await ended;
});

Deno.test("A second LIST that is doubted as well is the last one for now: there are other ways to be sure", async () => {
  const { clock, calls, verdicts, abort, start } = script({ lists: [list("7", [])], watches: [alive] });
  verdicts.push("doubted", "doubted");
  const ended = start();
  await clock.advance(10_000);
  assert.deepEqual(calls.filter((call) => call.startsWith("LIST")).length, 2);
  abort.abort();
  await ended;
});

Deno.test("A continue token that comes again ends the LIST, which is said, and asked for in one page from then on", async () => {
  const { clock, calls, told, failures, abort, start } = script({
    lists: [list("7", ["a"], "x"), list("7", ["b"], "y"), list("7", ["b"], "x"), list("8", ["a", "b"])],
    watches: [alive],
  });
  const ended = start();
  await clock.advance(5_000);
  assert.deepEqual(calls, [
    "LIST limit=500 continue=undefined",
    "LIST limit=500 continue=x",
    "LIST limit=500 continue=y",
    "LIST limit=undefined continue=undefined",
    "WATCH 8",
  ]);
  assert.equal(failures[0]?.kind, "unavailable");
  assert.equal(told.filter((what) => what === "complete").length, 1, "only the whole one counts");
  abort.abort();
  await ended;
});
