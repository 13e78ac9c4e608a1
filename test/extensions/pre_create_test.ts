import assert from "node:assert/strict";
import type { Extension } from "../../src/extensions/extension.ts";
import { preCreate, type PreCreateContext, type PreCreateDecision } from "../../src/extensions/pre_create.ts";
import type { Manifest } from "../../src/templates/manifest.ts";
import { buildPod, type OrderedPod } from "../../src/templates/podspec.ts";
import { extension, type Hook, hookClient } from "../support/hooks.ts";
import { manifest } from "../support/memory_provider.ts";
import { settled } from "../support/simulated_clock.ts";

function draft(index: number) {
  const name = `req-${index}`;
  const order = { requestId: "req", count: 3, templateId: "T", requestedAt: 7, instance: "k8s-hf", workdir: "w" };
  return { name, index, pod: buildPod(manifest as Manifest, { ...order, machine: name, index }) };
}

function setUp(hook: Hook, extensions: Extension[], configuration: Record<string, unknown> = {}) {
  const made = hookClient(hook);
  const troubles: string[] = [];
  const stop = new AbortController();
  const context: PreCreateContext = {
    caller: made.client,
    clock: made.clock,
    random: made.random,
    extensions,
    instance: "k8s-hf",
    namespace: "grid-dev",
    request: { id: "req", templateId: "T", count: 3, requestedAt: 7 },
    configuration,
    signal: stop.signal,
    unanswered: (name, { reason, outcome }) => troubles.push(`${name}: ${reason}: ${outcome}`),
  };
  const pass = (count = 1) => preCreate(context, Array.from({ length: count }, (_, index) => draft(index)));
  return { ...made, pass, troubles, stop };
}

const json = (value: unknown, status = 200) => Response.json(value, { status });
const unchanged = () => new Response(null, { status: 304 });

function podOf(decision: PreCreateDecision | undefined): OrderedPod {
  assert.equal(decision?.kind, "pod", JSON.stringify(decision));
  return (decision as { pod: OrderedPod }).pod;
}

async function only(hook: Hook, one: Partial<Extension> = {}): Promise<PreCreateDecision> {
  const decisions = await setUp(hook, [extension("a", one)]).pass();
  return decisions.get("req-0")!;
}

function failed(reason: string): PreCreateDecision {
  return { kind: "failed", reason };
}

Deno.test("a hook is told of the pod, its machine, its request, and what the template says to it alone", async () => {
  const { pass, seen } = setUp(unchanged, [extension("a"), extension("b")], { a: { team: "risk" }, c: 1 });
  await pass();
  const { pod, ...rest } = seen[0]!.document;
  assert.deepEqual(rest, {
    version: 1,
    hook: "pre-create",
    extension: "a",
    instance: "k8s-hf",
    namespace: "grid-dev",
    request: { id: "req", templateId: "T", count: 3, requestedAt: 7 },
    configuration: { team: "risk" },
    machine: { name: "req-0", index: 0 },
  });
  assert.deepEqual(pod, draft(0).pod);
  assert.equal(seen[1]!.document.configuration, null);
});

Deno.test("each extension sees what the one before has made of the pod", async () => {
  const { pass, seen } = setUp(({ document: { pod, extension } }) => {
    pod.metadata.annotations[extension] = "was here";
    return json(pod);
  }, [extension("b"), extension("a")]);
  const pod = podOf((await pass()).get("req-0"));
  assert.deepEqual(seen.map(({ document }) => document.extension), ["b", "a"]);
  assert.deepEqual([pod.metadata.annotations.a, pod.metadata.annotations.b], ["was here", "was here"]);
});

for (const status of [304, 204]) {
  Deno.test(`${status} is no comment`, async () => {
    assert.deepEqual(podOf(await only(() => new Response(null, { status }))), draft(0).pod);
  });
}

const refusals: [what: string, response: () => Response, words: string][] = [
  ["words as text", () => new Response("no GPUs in dev\n", { status: 403 }), "no GPUs in dev"],
  ["a message", () => json({ message: "no GPUs" }, 422), "no GPUs"],
  ["no words", () => new Response(null, { status: 400 }), "it answered 400 and does not say why"],
  ["words for the terminal", () => new Response("a\u001b[2Jb\nc", { status: 400 }), "a\\u001b[2Jb c"],
  ["words without end", () => new Response("x".repeat(9_000), { status: 400 }), "x".repeat(500)],
];
for (const [what, response, words] of refusals) {
  Deno.test(`a pod is refused with ${what}`, async () => {
    assert.deepEqual(await only(response), { kind: "refused", reason: `Refused by extension 'a': ${words}` });
  });
}

Deno.test("a pod that was refused is shown to no further extension", async () => {
  const { pass, seen } = setUp(() => new Response("no", { status: 400 }), [extension("a"), extension("b")]);
  await pass();
  assert.equal(seen.length, 1);
});

// deno-lint-ignore no-explicit-any -- a hook may answer anything
const bad: [what: string, answer: (pod: any) => unknown, reason: RegExp][] = [
  [
    "another name",
    (pod) => ({ ...pod, metadata: { ...pod.metadata, name: "x" } }),
    /may not change \/metadata\/name, and made it "x"/,
  ],
  ["no pod", () => ({ kind: "List" }), /pod that extension 'a' answered for 'req-0': apiVersion /],
  [
    "a pod without containers",
    (pod) => ({ ...pod, spec: { containers: [] } }),
    /spec.containers must hold at least one/,
  ],
  [
    "labels that are no text",
    (pod) => ({ ...pod, metadata: { ...pod.metadata, labels: { a: 1 } } }),
    /metadata.labels.a must be a string/,
  ],
  [
    "a namespace",
    (pod) => ({ ...pod, metadata: { ...pod.metadata, namespace: "kube-system" } }),
    /\/metadata\/namespace.*"kube-system"/,
  ],
  ["one of too many levels", (pod) => ({ ...pod, spec: { ...pod.spec, deep: nested(200) } }), /more than 100 levels/],
];
for (const [what, answer, reason] of bad) {
  Deno.test(`a bad answer fails the machine, and says what is wrong: ${what}`, async () => {
    const decision = await only(({ document }) => json(answer(document.pod)));
    assert.equal(decision.kind, "failed");
    assert.match((decision as { reason: string }).reason, reason);
    assert.match((decision as { reason: string }).reason, /extension 'a'/);
  });
}

Deno.test("an answer that is no JSON, or of a strange status, fails the machine", async () => {
  assert.equal((await only(() => new Response("<html>"))).kind, "failed");
  assert.deepEqual(
    await only(() => new Response("", { status: 201 })),
    failed("Cannot use the answer of extension 'a': its status is 201"),
  );
});

Deno.test("a hook that is down is asked again until it answers", async () => {
  let tries = 0;
  const { pass, clock, troubles } = setUp(() => ++tries < 4 ? new Response("", { status: 500 }) : unchanged(), [
    extension("a"),
  ]);
  const decisions = pass();
  await clock.advance(10_000);
  podOf((await decisions).get("req-0"));
  assert.equal(tries, 4);
  assert.deepEqual(troubles, new Array(3).fill("a: Extension 'a' answered 500: waits"));
});

for (const [failurePolicy, outcome] of [["fail", "failed"], ["ignore", "left out"]] as const) {
  Deno.test(`a hook that stays down for its time: policy ${failurePolicy}`, async () => {
    const { pass, clock, troubles } = setUp(() => new Response("", { status: 500 }), [
      extension("a", { failurePolicy, retryMs: 3_000 }),
    ]);
    const decisions = pass();
    await clock.advance(3_000);
    assert.equal((await decisions).get("req-0")?.kind, failurePolicy === "fail" ? "failed" : "pod");
    assert.ok(troubles.at(-1)?.endsWith(outcome), troubles.at(-1));
  });
}

for (const [what, seconds] of [["all that time", 3.001], ["so long that no other try fits in", 2.999]] as const) {
  Deno.test(`a process that stood still ${what} asks once more`, async () => {
    let stood = 0;
    const { pass, clock, troubles } = setUp(() => stood++ === 0 ? new Promise<Response>(() => {}) : unchanged(), [
      extension("a", { retryMs: 3_000, timeoutMs: seconds * 1_000 }),
    ]);
    const decisions = pass();
    await clock.advance(4_000);
    podOf((await decisions).get("req-0"));
    assert.deepEqual(troubles, [`a: Extension 'a' did not answer within ${seconds} s: waits`]);
  });
}

Deno.test("credentials that cannot be read are trouble of the extension, not of the pod", async () => {
  const { pass, troubles } = setUp(unchanged, [
    extension("a", { failurePolicy: "ignore", retryMs: 0, credentials: { tokenFile: "/missing" } }),
  ]);
  podOf((await pass()).get("req-0"));
  assert.match(troubles[0] ?? "", /'\/missing': it does not exist: left out/);
});

Deno.test("a pass ends with the process", async () => {
  const { pass, stop } = setUp(() => new Response("", { status: 500 }), [extension("a")]);
  const decisions = assert.rejects(pass(), /stopped/);
  await settled();
  stop.abort(new Error("stopped"));
  await decisions;
});

Deno.test("machines are shown in batches to an extension that takes them", async () => {
  const { pass, seen } = setUp(({ document }) => {
    // deno-lint-ignore no-explicit-any -- see above
    const answers = document.machines.map(({ index, pod }: any) => {
      if (index === 1) return { status: 403, message: "not you" };
      if (index === 2) return { status: 304 };
      return { status: 200, pod: { ...pod, spec: { ...pod.spec, priority: 1 } } };
    });
    return json({ answers });
  }, [extension("a", { batch: 2 })]);
  const decisions = await pass(3);
  assert.deepEqual(seen.map(({ document }) => document.machines.map(({ name }: { name: string }) => name)), [
    ["req-0", "req-1"],
    ["req-2"],
  ]);
  assert.equal(podOf(decisions.get("req-0")).spec.priority, 1);
  assert.deepEqual(decisions.get("req-1"), { kind: "refused", reason: "Refused by extension 'a': not you" });
  assert.deepEqual(podOf(decisions.get("req-2")), draft(2).pod);
});

const badBatches: [what: string, answer: unknown, reason: RegExp][] = [
  ["too few answers", { answers: [{ status: 304 }] }, /answers holds 1, and 2 machines were asked for/],
  ["no answers", {}, /answers/],
  [
    "a status that is no number",
    { answers: [{ status: "200" }, { status: 304 }] },
    /answers\.0\.status must be a number/,
  ],
];
for (const [what, answer, reason] of badBatches) {
  Deno.test(`a bad answer to a batch fails each machine of it: ${what}`, async () => {
    const { pass } = setUp(() => json(answer), [extension("a", { batch: 2 })]);
    for (const decision of (await pass(2)).values()) {
      assert.equal(decision.kind, "failed");
      assert.match((decision as { reason: string }).reason, reason);
    }
  });
}

Deno.test("one that is refused a batch is refused each machine of it", async () => {
  const { pass } = setUp(() => new Response("too many", { status: 413 }), [extension("a", { batch: 5 })]);
  assert.deepEqual([...(await pass(2)).values()].map(({ kind }) => kind), ["refused", "refused"]);
});

Deno.test("a slow hook is asked about many machines side by side", async () => {
  const { pass, clock } = setUp(async () => {
    await clock.sleep(200);
    return unchanged();
  }, [extension("a")]);
  const begunMs = clock.monotonic();
  let endedMs = 0;
  const decisions = pass(64).then(() => endedMs = clock.monotonic());
  await clock.advance(2_000);
  await decisions;
  assert.equal(endedMs - begunMs, 400);
});

function nested(levels: number): unknown {
  return levels === 0 ? 1 : [nested(levels - 1)];
}
