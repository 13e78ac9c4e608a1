import assert from "node:assert/strict";
import type { Pod, PodStatus } from "../../../src/kube/types.ts";
import { decideTimeout, newsOfGivingUp, reasonToGiveUp } from "../../../src/watchers/timeouts/decide.ts";
import { ourPod } from "../../support/memory_dependencies.ts";

const limits = { podTimeoutSeconds: 300, imagePullGraceSeconds: 60 };
const pod = { uid: "u", resourceVersion: "1", privateIpAddress: "", createdAt: 1_000, deletionAt: undefined };
/** By our own clocks everything is as old as can be: what is told here is what the cluster's says. */
const ages = { pod: Infinity, hindered: Infinity, ended: Infinity };
const givenUp = { up: false, returned: false, givenUp: true, message: "x" };
const hindered = { ...pod, hindered: { since: 1_100, isCertain: false } };
const ended = { ...pod, endedAt: 1_100 };
const noted = { ...givenUp, givenUp: false };
const hopeless = { ...pod, hindered: { isCertain: true } };
for (
  const [state, age, others, decision] of [
    ["pending", 300, {}, "stays"],
    ["pending", 301, {}, "ask"],
    ["creating", 301, {}, "ask"],
    ["running", 9_999, {}, "stays"],
    ["failed", 9_999, {}, "stays"],
    ["unknown", 9_999, {}, "stays"],
    ["pending", 9_999, { returned: true }, "stays"],
    ["failed", 1, { tombstone: givenUp }, "delete"],
    ["failed", 1, { tombstone: givenUp, returned: true }, "stays"],
    ["deleted", 29, { tombstone: givenUp }, "stays"],
    ["deleted", 30, { tombstone: givenUp }, "delete"],
    ["deleted", 9_999, { tombstone: givenUp, notedAt: 50_000 - 29 }, "stays"],
    ["deleted", 9_999, { tombstone: givenUp, notedAt: 50_000 - 30 }, "delete"],
    ["deleted", 9_999, { tombstone: givenUp, notedAt: 50_001 }, "delete"],
    ["pending", 301, { tombstone: { ...givenUp, givenUp: false } }, "ask"],
    ["pending", 301, { pod: { ...pod, createdAt: undefined } }, "stays"],
    ["pending", 160, { pod: hindered }, "stays"],
    ["pending", 161, { pod: hindered }, "ask"],
    ["pending", 161, { pod: hindered, returned: true }, "stays"],
    ["pending", 161, { pod: { ...hindered, hindered: { isCertain: false } } }, "stays"],
    ["running", 161, { pod: hindered }, "stays"],
    ["pending", 1, { pod: hopeless }, "ask"],
    ["running", 1, { pod: hopeless }, "ask"],
    ["running", 1, { pod: hopeless, returned: true }, "stays"],
    ["failed", 1, { pod: hopeless }, "stays"],
    ["succeeded", 1, { pod: hopeless }, "stays"],
    ["failed", 3_700, { pod: ended, tombstone: noted }, "stays"],
    ["failed", 3_701, { pod: ended, tombstone: noted }, "delete"],
    ["succeeded", 3_700, { pod: ended, tombstone: noted }, "stays"],
    ["succeeded", 3_701, { pod: ended, tombstone: noted }, "delete"],
    ["failed", 3_701, { pod: ended, tombstone: noted, returned: true }, "stays"],
    ["failed", 9_999, { pod: ended }, "stays"],
    ["failed", 9_999, { tombstone: noted }, "stays"],
    ["running", 9_999, { pod: ended, tombstone: noted }, "stays"],
    ["unknown", 9_999, { pod: ended, tombstone: noted }, "stays"],
    ["deleted", 9_999, { pod: ended, tombstone: noted }, "stays"],
  ] as const
) {
  Deno.test(`a pod that is ${state}, ${age} s old, with ${JSON.stringify(others)}: ${decision}`, () => {
    const machine = { state, tombstone: undefined, pod, returned: false, notedAt: undefined, ages, ...others };
    assert.equal(decideTimeout(machine, { ...limits, now: 1_000 + age, hostNow: 50_000 }), decision);
  });
}

Deno.test("while the cluster's time is not known nothing is too old, but what is hopeless is so at once", () => {
  const machine = { state: "pending", tombstone: undefined, returned: false, notedAt: undefined, ages } as const;
  assert.equal(decideTimeout({ ...machine, pod: hindered }, { ...limits, now: undefined, hostNow: 0 }), "stays");
  assert.equal(decideTimeout({ ...machine, pod: hopeless }, { ...limits, now: undefined, hostNow: 0 }), "ask");
  const failed = { ...machine, state: "failed", tombstone: noted, pod: ended } as const;
  assert.equal(decideTimeout(failed, { ...limits, now: undefined, hostNow: 0 }), "stays");
});

const createdAt = Date.UTC(2026, 10, 20) / 1000;
const waiting = (reason: string, message?: string): PodStatus => ({
  phase: "Pending",
  containerStatuses: [{
    name: "c",
    ready: false,
    restartCount: 0,
    state: { waiting: { reason, ...(message ? { message } : {}) } },
  }],
});
const needsReady = { annotations: { "symphony/hostfactory-request": '{"up":"Ready"}' } };
const since = { hindered: { since: createdAt + 10, isCertain: false } };
const unready: PodStatus = {
  phase: "Running",
  conditions: [{
    type: "Ready",
    status: "False",
    reason: "ReadinessGatesNotReady",
    message: 'the status of pod readiness gate "lb" is not "True", but False',
  }],
};

const onTheCluster: [what: string, pod: Pod, facts: object, age: number, message: string | undefined][] = [
  ["is not too old", ourPod("a-0"), {}, 300, undefined],
  ["is too old", ourPod("a-0"), {}, 301, "Not running after 300 s: not scheduled"],
  ["runs", ourPod("a-0", { phase: "Running" }), {}, 9_999, undefined],
  ["is another", ourPod("a-0", {}, { uid: "another" }), {}, 9_999, undefined],
  ["fails to pull its image since 60 s", ourPod("a-0", waiting("ErrImagePull")), since, 70, undefined],
  [
    "fails to pull its image since 61 s",
    ourPod("a-0", waiting("ErrImagePull", "not found")),
    since,
    71,
    "Image not pulled within 60 s: container c: ErrImagePull: not found",
  ],
  ["has pulled its image at last", ourPod("a-0", waiting("ContainerCreating")), since, 71, undefined],
  [
    "misses its configuration",
    ourPod("a-0", waiting("CreateContainerConfigError", 'secret "x" not found')),
    since,
    71,
    'Container not configured within 60 s: container c: CreateContainerConfigError: secret "x" not found',
  ],
  [
    "misses its configuration now, and its image before",
    ourPod("a-0", waiting("CreateContainerConfigError", 'secret "x" not found')),
    { hindered: { what: "image not pulled", ...since.hindered } },
    71,
    undefined,
  ],
  [
    "has no image's name",
    ourPod("a-0", waiting("InvalidImageName", "couldn't parse")),
    {},
    1,
    "Image name not valid: container c: InvalidImageName: couldn't parse",
  ],
  [
    "has to be Ready and is not",
    ourPod("a-0", unready, needsReady),
    {},
    301,
    'Not ready after 300 s: ReadinessGatesNotReady: the status of pod readiness gate "lb" is not "True", but False',
  ],
  ["need not be Ready and is not", ourPod("a-0", unready), {}, 9_999, undefined],
];
for (const [what, pod, more, age, message] of onTheCluster) {
  Deno.test(`a machine whose pod ${what} is ${message ? "given up, and it is said why" : "not given up"}`, () => {
    const facts = { uid: "uid-a-0", resourceVersion: "1", privateIpAddress: "", createdAt, deletionAt: undefined };
    const options = { ...limits, facts: { ...facts, ...more }, ages, now: createdAt + age };
    assert.equal(reasonToGiveUp(pod, options), message);
  });
}

/** By the cluster's clock everything is overdue; by ours it has been seen for so long, in seconds. */
const overdue = [
  ["pending", { pod: 300 }, "stays"],
  ["pending", { pod: 301 }, "ask"],
  ["pending", { hindered: 60 }, "stays"],
  ["pending", { hindered: 61 }, "ask"],
  ["failed", { ended: 3_600 }, "stays"],
  ["failed", { ended: 3_601 }, "delete"],
] as const;
for (const [state, own, decision] of overdue) {
  Deno.test(`a pod that is ${state} and overdue, by our own clocks since ${JSON.stringify(own)}: ${decision}`, () => {
    const tombstone = state === "failed" ? noted : undefined;
    const machine = { state, tombstone, pod: { ...hindered, ...ended, hindered: hindered.hindered }, returned: false };
    const since = { pod: 0, hindered: 0, ended: 0, ...own };
    const options = { ...limits, now: 99_999, hostNow: 50_000 };
    assert.equal(decideTimeout({ ...machine, notedAt: undefined, ages: since }, options), decision);
  });
}

Deno.test("a machine is given up only if it is late by both clocks", () => {
  const facts = {
    uid: "uid-a-0",
    resourceVersion: "1",
    privateIpAddress: "",
    createdAt,
    deletionAt: undefined,
    ...since,
  };
  const ofPod = (one: Pod, own: object) =>
    reasonToGiveUp(one, { ...limits, facts, ages: { pod: 0, hindered: 0, ended: 0, ...own }, now: createdAt + 9_999 });
  assert.equal(ofPod(ourPod("a-0"), { pod: 300 }), undefined);
  assert.match(ofPod(ourPod("a-0"), { pod: 301 }) ?? "", /^Not running after 300 s/);
  assert.equal(ofPod(ourPod("a-0", waiting("ErrImagePull")), { hindered: 60 }), undefined);
  assert.match(ofPod(ourPod("a-0", waiting("ErrImagePull")), { hindered: 61 }) ?? "", /^Image not pulled within 60 s/);
  assert.match(
    ofPod(ourPod("a-0", waiting("InvalidImageName")), {}) ?? "",
    /^Image name not valid/,
    "that takes no time",
  );
});

Deno.test("only a machine that was waited for has timed out: one that can never work has failed at once", () => {
  const waits = (reason: string): PodStatus => ({
    phase: "Pending",
    containerStatuses: [{ name: "c", ready: false, restartCount: 0, state: { waiting: { reason } } }],
  });
  assert.deepEqual(newsOfGivingUp(ourPod("req-0", waits("ImagePullBackOff"))), [{ pairs: { status: "timeout" } }]);
  assert.deepEqual(newsOfGivingUp(ourPod("req-0", waits("InvalidImageName"))), []);
});
