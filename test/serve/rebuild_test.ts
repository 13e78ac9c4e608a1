import assert from "node:assert/strict";
import { KubeError } from "../../src/kube/errors.ts";
import { rebuild } from "../../src/serve/rebuild.ts";
import { PodLabel, REQUEST_ANNOTATION, RETURN_ANNOTATION } from "../../src/templates/podspec.ts";
import { getRequestStatus } from "../../src/verbs/get_request_status.ts";
import { ExitCode, HostFactoryError } from "../../src/errors.ts";
import { ask, type MemoryDependencies, memoryDependencies, ourPod } from "../support/memory_dependencies.ts";
import { memoryProvider } from "../support/memory_provider.ts";

const holder = { host: "h", pid: 1, command: "rebuild", since: "" };

/** A cluster with two of three machines of `lost`, one of them given back, one of another instance, and a stray of `here`. */
async function furnished(): Promise<MemoryDependencies> {
  const dependencies = memoryDependencies();
  await ask(dependencies, "here", 1);
  const memory = JSON.stringify({ templateId: "T", count: 3, requestedAt: 7 });
  const returned = { [RETURN_ANNOTATION]: JSON.stringify({ id: "ret", requestedAt: 9 }) };
  const put = (name: string, metadata = {}) => dependencies.kube.put(ourPod(name, { phase: "Running" }, metadata));
  put("lost-0", { annotations: { [REQUEST_ANNOTATION]: memory } });
  put("lost-2", { annotations: { [REQUEST_ANNOTATION]: memory, ...returned } });
  put("here-4");
  put("other-0", { labels: { [PodLabel.request]: "other", [PodLabel.instance]: "other" } });
  return dependencies;
}

/** Rebuilds by hand. */
async function byHand(dependencies: MemoryDependencies, options: { dryRun?: boolean; take?: () => () => void } = {}) {
  const { dryRun = false, take = () => () => {} } = options;
  const { signal } = dependencies;
  const daemon = { ...dependencies, connect: () => dependencies.kube, holder, locks: { take } };
  return await rebuild(daemon, { instance: "k8s-hf", dryRun, takeOver: false, signal });
}

const missing = {
  pods: 3,
  requests: [
    { requestId: "lost", whole: true, machines: 2, lost: 1, strays: 0 },
    { requestId: "here", whole: false, machines: 0, lost: 0, strays: 1 },
  ],
  returns: ["ret"],
};

Deno.test("a rebuild by hand says what was missing, and puts it back; the next one finds nothing but the stray", async () => {
  const dependencies = await furnished();
  assert.deepEqual(await byHand(dependencies), missing);
  const [answer] = getRequestStatus(memoryProvider(dependencies), { requests: { requestId: "lost" } }).requests;
  assert.deepEqual(answer?.machines.map(({ name, result }) => `${name} ${result}`), [
    "lost-0 succeed",
    "lost-1 fail",
    "lost-2 succeed",
  ]);
  assert.deepEqual(await byHand(dependencies), { pods: 3, requests: [missing.requests[1]], returns: [] });
});

Deno.test("a dry run says the same, changes nothing, and needs no lock", async () => {
  const dependencies = await furnished();
  const before = dependencies.files.tree("/work");
  assert.deepEqual(await byHand(dependencies, { dryRun: true, take: () => assert.fail() }), missing);
  assert.deepEqual(dependencies.files.tree("/work"), before);
});

const REBUILDS = "'hostfactory serve' rebuilds by itself, at its start and once a minute; --dry-run looks on beside it";

Deno.test("beside a watcher of pods nothing is rebuilt by hand, and it is said why that is not needed", async () => {
  const dependencies = await furnished();
  const take = () => {
    throw new HostFactoryError("Cannot watch pods", { exitCode: ExitCode.locked });
  };
  await assert.rejects(byHand(dependencies, { take }), { exitCode: ExitCode.locked, hint: REBUILDS });
});

Deno.test("a cluster that is away is no other owner", async () => {
  const dependencies = await furnished();
  dependencies.kube.fail("getLease", new KubeError("unavailable", "away"));
  await assert.rejects(byHand(dependencies), { exitCode: ExitCode.failure, message: /: away$/ });
});

Deno.test("where the cluster cannot be listed that is the error, and nothing is changed", async () => {
  for (const dryRun of [true, false]) {
    const dependencies = await furnished();
    dependencies.kube.fail("listPods", new KubeError("unavailable", "away"));
    await assert.rejects(byHand(dependencies, { dryRun }), /away/);
    assert.deepEqual(dependencies.workdir.names("/work/requests"), ["here"]);
  }
});
