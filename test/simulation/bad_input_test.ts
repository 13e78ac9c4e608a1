/**
 * Whatever is asked, and whatever lies in the work directory or in the place of a template: verbs answer as they should,
 * `serve` serves everybody else, and no one reads, writes or removes anything outside.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import * as v from "valibot";
import { serve } from "../../src/serve/serve.ts";
import { WATCHERS } from "../../src/serve/watcher_names.ts";
import { podFileText } from "../../src/workdir/pod_file.ts";
import { getAvailableTemplates } from "../../src/verbs/get_available_templates.ts";
import { getRequestStatus } from "../../src/verbs/get_request_status.ts";
import { getReturnRequests } from "../../src/verbs/get_return_requests.ts";
import { requestMachines } from "../../src/verbs/request_machines.ts";
import { requestReturnMachines } from "../../src/verbs/request_return_machines.ts";
import type { Locks } from "../../src/workdir/store/lock.ts";
import { writeGone } from "../../src/workdir/index/gone_machines.ts";
import { readState, writeState, writeTombstone } from "../../src/workdir/machines.ts";
import { markProcessed, settleMachine } from "../../src/workdir/requests.ts";
import { readReturn } from "../../src/workdir/returns.ts";
import { writeSyncStatus } from "../../src/workdir/index/sync_status.ts";
import { atOnce } from "../support/at_once.ts";
import { LivelyKube } from "../support/lively_kube.ts";
import {
  type MemoryFiles,
  noDescriptors,
  noSpace,
  notPermitted,
  type Operation,
  readOnly,
} from "../support/memory_files.ts";
import { type MemoryProvider, memoryProvider } from "../support/memory_provider.ts";
import { ask, giveBack, memoryDependencies, ourPod } from "../support/memory_dependencies.ts";
import { furnishOutside, nasties, nastyNames, OUTSIDE } from "../support/nasties.ts";
import { settled } from "../support/simulated_clock.ts";

const seed = Number(Deno.env.get("HF_TEST_SEED") ?? "20261121");
console.log(`test/simulation/bad_input_test.ts: HF_TEST_SEED=${seed}`);

/** What takes far less if nothing else runs; the executable is held to its two seconds in `test/e2e`. */
const LONGEST_MS = 20_000;

const Answer = {
  templates: v.strictObject({ message: v.optional(v.string()), templates: v.array(v.looseObject({})) }),
  accepted: v.strictObject({ message: v.string(), requestId: v.pipe(v.string(), v.nonEmpty()) }),
  status: v.strictObject({
    requests: v.array(v.strictObject({
      requestId: v.string(),
      message: v.string(),
      status: v.picklist(["running", "complete", "complete_with_error"]),
      machines: v.array(v.strictObject({
        machineId: v.string(),
        name: v.string(),
        result: v.picklist(["executing", "succeed", "fail"]),
        status: v.picklist(["running", "terminated"]),
        privateIpAddress: v.string(),
        publicIpAddress: v.string(),
        launchtime: v.pipe(v.number(), v.finite()),
        message: v.string(),
      })),
    })),
  }),
  returns: v.strictObject({
    status: v.literal("complete"),
    message: v.string(),
    requests: v.array(
      v.strictObject({ machine: v.string(), gracePeriod: v.pipe(v.number(), v.finite(), v.minValue(0)) }),
    ),
  }),
};

type Verb = (provider: MemoryProvider, input: unknown) => Promise<object> | object;
const verbs: [name: string, verb: Verb, schema: v.GenericSchema][] = [
  ["get-available-templates", getAvailableTemplates, Answer.templates],
  ["request-machines", requestMachines, Answer.accepted],
  ["get-request-status", getRequestStatus, Answer.status],
  ["request-return-machines", requestReturnMachines, Answer.accepted],
  ["get-return-requests", getReturnRequests, Answer.returns],
];

/** What a verb answers, checked to be right in form and in time; nothing where it refuses, which the command line tells. */
async function answerOf(name: string, provider: MemoryProvider, input: unknown): Promise<object | undefined> {
  const [, verb, schema] = verbs.find(([known]) => known === name) ?? [];
  assert.ok(verb && schema);
  const startedMs = performance.now();
  let answer: object | undefined;
  try {
    answer = await verb(provider, input);
  } catch (error) {
    assert.ok(error instanceof Error && error.message !== "", `${name} threw ${error}`);
    assert.doesNotMatch(error.message, /block for ever|of undefined|is not a function/);
  }
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs < LONGEST_MS, `${name} took ${tookMs} ms`);
  if (answer) {
    assert.ok(v.is(schema, JSON.parse(JSON.stringify(answer))), `${name} answered ${JSON.stringify(answer)}`);
  }
  return answer;
}

/** Operations that got outside, but for what may: a template's manifest, and one that a request of the legacy plug-in has. */
function trespasses({ trespasses }: MemoryFiles): Operation[] {
  return trespasses.filter(({ name, paths }) => {
    const [path = ""] = paths;
    const isManifest = path.startsWith("/conf/") || /^\/work\/requests\/[^/]+\/[^./][^/]*$/.test(path);
    return !(isManifest && (name === "readText" || name === "info"));
  });
}

/** Anything at all, often almost a question. */
const question = fc.oneof(
  fc.anything({ withNullPrototype: false }),
  fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>("T", "B", "good", "good-0", "nobody-7", "", 1, 3, 0, -1, 1.5, 1e9, null, true, [], {}),
      fc.constantFrom<unknown>(...nastyNames, "../../etc/passwd", "/etc/passwd", "a\0b", "n".repeat(5_000)),
      fc.array(tie("node"), { maxLength: 4 }),
      fc.dictionary(
        fc.constantFrom(
          "template",
          "templateId",
          "templates",
          "machineCount",
          "machines",
          "name",
          "machineId",
          "requests",
          "requestId",
          "__proto__",
        ),
        tie("node"),
        { maxKeys: 4 },
      ),
    ),
  })).node,
);

/** `/work` with a good request, its return, and a bad one that anything may be wrong with. */
async function furnished(): Promise<
  { files: MemoryFiles; dependencies: ReturnType<typeof memoryDependencies>; kube: LivelyKube }
> {
  const { clock, files } = memoryProvider();
  const kube = new LivelyKube(clock);
  const dependencies = memoryDependencies({ files, clock, kube });
  const { workdir } = dependencies;
  await ask(dependencies, "good", 2);
  await ask(dependencies, "done", 1);
  await ask(dependencies, "bad", 3);
  for (const name of ["done-0", "bad-1"]) {
    settleMachine(workdir, name.slice(0, -2), name);
    const pod = kube.put(ourPod(name, { phase: "Running", podIP: "10.0.0.9" }));
    files.writeText(workdir.layout.pod(name), podFileText(pod));
    writeState(workdir, name, "running");
  }
  await markProcessed(workdir, "done");
  writeTombstone(workdir, "bad-2", { up: false, returned: false, givenUp: true, message: "Given up" });
  writeState(workdir, "bad-2", "failed");
  settleMachine(workdir, "bad", "bad-2");
  await giveBack(dependencies, "back", "done-0");
  await giveBack(dependencies, "badback", "bad-1");
  const now = Math.floor(clock.now() / 1000);
  writeSyncStatus(workdir, "pods", { completeAt: now, heardAt: now });
  await writeGone(workdir, [], atOnce);
  const templates = "/conf/k8sprov_templates.json";
  files.writeText(templates, files.readText(templates).replace('"maxNumber":-1', '"maxNumber":1000'));
  furnishOutside(files);
  return { files, dependencies, kube };
}

/** Entries that are one machine's or one request's own, whose trouble is to stay theirs. */
const ownPaths = [
  "/work/requests/bad",
  ...[".request.json", ".manifest.json", ".processed", "bad-0", "bad-1", "bad-2"].map((name) =>
    `/work/requests/bad/${name}`
  ),
  "/work/pods/bad-0",
  "/work/pods/bad-1",
  "/work/pods-status/bad-0",
  "/work/pods-status/bad-1",
  "/work/machines/bad-0",
  "/work/machines/bad-1",
  "/work/machines/bad-2",
  "/work/return-requests/badback",
  "/work/return-requests/badback/.request.json",
  "/work/return-requests/badback/.processed",
  "/work/return-requests/badback/bad-1",
  "/work/prototypes/empty",
  "/work/prototypes/word-running",
  "/work/prototypes/word-creating",
  "/work/locks/pods.json",
  "/work/set-aside/some.json",
  "/work/instances.json",
  "/work/lost/bad-1",
  "/work/lost/bad-2",
  "/work/returning/badback",
  ...["in-use", "departures", "evictions", "nodes"].map((name) => `/work/views/${name}.json`),
  "/conf/other.json",
];
const strayPaths = ["requests", "requests/bad", "return-requests", "return-requests/badback", "pods", "pods-status"]
  .concat(["machines", "views", "locks", "prototypes", "set-aside", "nodes", "events", "returning"])
  .flatMap((directory) => nastyNames.map((name) => `/work/${directory}/${name}`));

const mutations = fc.uniqueArray(
  fc.record({
    path: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...ownPaths) }, fc.constantFrom(...strayPaths)),
    what: fc.constantFrom(...Object.keys(nasties)),
  }),
  { selector: ({ path }) => path, minLength: 1, maxLength: 6 },
);

/** Without the names that its instance had, serve would take their machines for gone: it does not start, and says so. */
function mayStart(what: { path: string; what: string }[]): boolean {
  return !what.some(({ path, what }) => path === "/work/instances.json" && /unreadable|directory$/.test(what));
}

/** Puts nasties in the place of what is there: what lies deepest first, so that none is put through another. */
function mutate(files: MemoryFiles, what: { path: string; what: string }[]): void {
  for (const { path, what: nasty } of what.toSorted((a, b) => b.path.split("/").length - a.path.split("/").length)) {
    take(files, path);
    nasties[nasty]?.(files, path);
  }
}

function take(files: MemoryFiles, path: string): void {
  try {
    files.removeTree(path);
  } catch {
    // Nothing was there.
  }
}

Deno.test("whatever a verb is asked, it answers or refuses in time, and a refused request leaves nothing behind", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...verbs.map(([name]) => name)), question, async (name, input) => {
      const { files, dependencies } = await furnished();
      const before = files.list("/work/requests").length + files.list("/work/return-requests").length;
      const outside = files.tree(OUTSIDE);
      const answer = await answerOf(name, memoryProvider({ files, clock: dependencies.clock }), input);
      const after = files.list("/work/requests").length + files.list("/work/return-requests").length;
      assert.equal(after - before, answer && name.startsWith("request-") ? 1 : 0);
      assert.deepEqual(trespasses(files), []);
      assert.deepEqual(files.tree(OUTSIDE), outside);
    }),
    { seed, numRuns: 400 },
  );
});

/** Verbs answer for all others as if what lies in these places were right. */
async function verbsHold(what: { path: string; what: string }[]): Promise<void> {
  const input = { requests: ["good", "done", "back", "bad", "badback"].map((requestId) => ({ requestId })) };
  const named = { machines: ["good-0", "done-0", "bad-1"].map((name) => ({ name })) };
  const { files, dependencies: { clock } } = await furnished();
  const answer = async (name: string, input: unknown, seed = 1) => {
    const answer = await answerOf(name, memoryProvider({ files, clock, seed }), input);
    assert.ok(answer, `${name} with ${JSON.stringify(what)}`);
    return answer;
  };
  // Whether anybody serves is told from what lies beside the locks.
  const noService = what.some(({ path }) => path.startsWith("/work/locks"))
    ? /\.? ?'\/work' has not been served.*/
    : /^\b$/;
  const healthy = async () => {
    const { requests } = await answer("get-request-status", input) as { requests: { message: string }[] };
    return requests.slice(0, 3).map((one) => ({ ...one, message: one.message.replace(noService, "") }));
  };
  const before = await healthy();
  mutate(files, what);
  const outside = files.tree(OUTSIDE);
  files.trespasses.length = 0;
  assert.deepEqual(await healthy(), before, JSON.stringify(what));
  await answer("get-available-templates", {});
  await answer("get-return-requests", named);
  await answer("get-return-requests", {});
  await answer("request-machines", { template: { templateId: "T", machineCount: 2 } });
  await answer("request-return-machines", named, 2);
  assert.deepEqual(trespasses(files), [], JSON.stringify(what));
  assert.deepEqual(files.tree(OUTSIDE), outside, JSON.stringify(what));
}

Deno.test("whatever lies in the place of an entry, verbs answer for all others: each by itself", async () => {
  for (const path of ownPaths) for (const what of Object.keys(nasties)) await verbsHold([{ path, what }]);
});

Deno.test("whatever lies in the place of entries, verbs answer for all others: several at once", async () => {
  await fc.assert(fc.asyncProperty(mutations, verbsHold), { seed, numRuns: 200 });
});

Deno.test("whatever lies in the place of one entry, serve serves all others, and nothing of it stays once it is gone", async () => {
  await fc.assert(
    fc.asyncProperty(mutations.filter(mayStart), async (what) => {
      const { files, dependencies, kube } = await furnished();
      const { clock, random, workdir } = dependencies;
      mutate(files, what);
      const outside = files.tree(OUTSIDE);
      files.trespasses.length = 0;
      const stop = new AbortController();
      const daemon = { workdir, connect: () => kube, clock, random, locks, holder };
      const served = serve(daemon, options, stop.signal);
      try {
        await clock.advance(40_000);
        const states = ["good-0", "good-1", "done-0"].map((name) => readState(workdir, name));
        assert.deepEqual(states, ["running", "running", "deleted"]);
        assert.ok(readReturn(workdir, "back")?.processed, "its return is handled");
        assert.deepEqual(kube.created, [...new Set(kube.created)], "none is created twice");
        const others = [...kube.pods.keys()].filter((name) => !name.startsWith("bad-"));
        assert.deepEqual(others.sort(), ["good-0", "good-1"]);
        assert.deepEqual(trespasses(files), []);
        assert.deepEqual(files.tree(OUTSIDE), outside);

        for (const { path } of what.toSorted((a, b) => b.path.length - a.path.length)) take(files, path);
        // Some are looked at every ten minutes only, and what was met before serve started over stands a little longer.
        await clock.runUntil(() => files.list("/work/set-aside").length === 0, { withinMs: 20 * 60_000 });
      } finally {
        stop.abort();
        await clock.advance(20_000);
        await settled();
        await served;
      }
    }),
    { seed, numRuns: 120 },
  );
});

type Trouble = [error: Error, strikes: (name: Operation["name"]) => boolean];
const reads = ["readText", "readLink", "list", "info"];
const opens = ["readText", "list", "writeText", "appendText", "sync"];
const grows = ["writeText", "appendText", "symlink", "hardLink", "makeDirectory"];
const troubles: Record<string, Trouble> = {
  "a full disk": [noSpace(), (name) => grows.includes(name)],
  "a read-only disk": [readOnly(), (name) => !reads.includes(name) && name !== "sync"],
  "no descriptors left": [noDescriptors(), (name) => opens.includes(name)],
  "no permission to write": [notPermitted(), (name) => !reads.includes(name) && name !== "sync"],
  "no permission at all": [notPermitted(), (name) => name !== "info"],
};

Deno.test("disk trouble is answered at once and lived through: nothing is failed, doubled or leaked for it", async () => {
  const plan = fc.record({
    trouble: fc.constantFrom(...Object.keys(troubles)),
    fromMs: fc.integer({ min: 0, max: 3_000 }),
    forMs: fc.integer({ min: 1_000, max: 120_000 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ trouble, fromMs, forMs }) => {
      const { files, dependencies, kube } = await furnished();
      const { clock, random, workdir } = dependencies;
      const stop = new AbortController();
      const daemon = { workdir, connect: () => kube, clock, random, locks, holder };
      const served = serve(daemon, options, stop.signal);
      try {
        await clock.advance(fromMs);
        const provider = memoryProvider({ files, clock, seed: 3 });
        const [error, strikes] = troubles[trouble] ?? assert.fail();
        files.failWhere(({ name }) => strikes(name), error);
        await clock.advance(forMs / 2);

        const requests = [{ requestId: "good" }, { requestId: "back" }];
        const status = await answerOf("get-request-status", provider, { requests });
        assert.doesNotMatch(JSON.stringify(status), /"fail"|complete_with_error/);
        const before = Object.keys(files.tree("/work/requests"));
        for (
          const [name, input] of [["request-machines", { template: { templateId: "T", machineCount: 2 } }], [
            "request-return-machines",
            { machines: [{ name: "good-0" }] },
          ]] as const
        ) {
          assert.equal(await answerOf(name, provider, input), undefined);
        }
        assert.deepEqual(Object.keys(files.tree("/work/requests")), before, "a refused request leaves nothing");
        await clock.advance(forMs / 2);

        files.before = () => {};
        await ask(dependencies, "fresh", 1);
        await clock.advance(60_000);
        const states = ["good-0", "good-1", "fresh-0", "done-0"].map((name) => readState(workdir, name));
        assert.deepEqual(states, ["running", "running", "running", "deleted"]);
        assert.ok(readReturn(workdir, "back")?.processed);
        assert.deepEqual(kube.created, [...new Set(kube.created)], "none is created twice");
        const left = [...kube.pods.keys()].filter((name) => name !== "bad-0").sort();
        assert.deepEqual(left, ["fresh-0", "good-0", "good-1"]);
        assert.deepEqual([...workdir.broken.all.keys()], [], "no entry is to blame");
      } finally {
        stop.abort();
        await clock.advance(20_000);
        await settled();
        await served;
      }
    }),
    { seed, numRuns: 60 },
  );
});

/** There is no other process that could have them. */
const locks: Locks = { take: () => () => {} };
const holder = { host: "host", pid: 1, command: "hostfactory serve", since: "2026-11-20T00:00:00Z" };
const options = {
  watchers: WATCHERS,
  instance: "k8s-hf",
  concurrency: 8,
  podTimeoutSeconds: 300,
  imagePullGraceSeconds: 60,
  watchTimeoutSeconds: 60,
  retention: { retainSeconds: 3_600, retainMachines: 1_000 },
};
