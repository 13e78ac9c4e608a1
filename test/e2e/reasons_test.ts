/** Why machines fail, told as soon as it is certain and in the cluster's words. */
import assert from "node:assert/strict";
import type { ContainerStatus, Pod, PodCondition, PodStatus } from "../../src/kube/types.ts";
import type { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";
import { manifest, type Site } from "../support/site.ts";

/** Pods that no one schedules: the test plays their kubelets. */
const idle = { ...manifest, spec: { ...manifest.spec, restartPolicy: "Always", schedulerName: "nobody" } };

const timestamp = (ms: number) => new Date(ms).toISOString().replace(/\.\d+/, "");
const now = () => timestamp(Date.now());

function container(state: ContainerStatus["state"], more: object = {}): ContainerStatus {
  const said = { image: "symphony:1", imageID: "", ready: false, restartCount: 0, ...more };
  return { name: "symphony", ...said, ...(state ? { state } : {}) };
}

const waiting = (reason: string, message: string): PodStatus => ({
  containerStatuses: [container({ waiting: { reason, message } })],
});

function disrupted(pod: Pod, reason: string, message: string): PodStatus {
  const target = { type: "DisruptionTarget", status: "True", reason, message, lastTransitionTime: now() } as const;
  return { conditions: [...pod.status?.conditions ?? [], target] };
}

const played: [what: string, status: (pod: Pod) => PodStatus, message: RegExp][] = [
  [
    "an image that cannot be pulled",
    () => waiting("ImagePullBackOff", "Back-off pulling image"),
    /^Image not pulled within 2 s: container symphony: ImagePullBackOff: Back-off pulling image$/,
  ],
  [
    "missing configuration",
    () => waiting("CreateContainerConfigError", 'secret "licence" not found'),
    /^Container not configured within 2 s: container symphony: CreateContainerConfigError: secret "licence" not found$/,
  ],
  [
    "a name that is no image's",
    () => waiting("InvalidImageName", "couldn't parse image name"),
    /^Image name not valid: container symphony: InvalidImageName: couldn't parse image name$/,
  ],
  [
    "a crash loop",
    () => ({
      phase: "Running",
      startTime: timestamp(Date.now() - 150_000),
      containerStatuses: [container({ waiting: { reason: "CrashLoopBackOff", message: "back-off 1m20s" } }, {
        restartCount: 5,
        lastState: { terminated: { exitCode: 137, reason: "OOMKilled", finishedAt: now() } },
      })],
    }),
    /^Crash loop: container symphony: CrashLoopBackOff: back-off 1m20s; .* 5 times, .* OOMKilled \(exit code 137\)$/,
  ],
  [
    "too little memory",
    () => ({
      phase: "Failed",
      containerStatuses: [container({ terminated: { exitCode: 137, reason: "OOMKilled", finishedAt: now() } })],
    }),
    /^The pod failed: container symphony: OOMKilled \(exit code 137\)$/,
  ],
  [
    "a node that is no more",
    (pod) => ({ phase: "Failed", ...disrupted(pod, "DeletionByPodGC", "PodGC: node no longer exists") }),
    /^The pod failed: DeletionByPodGC: PodGC: node no longer exists$/,
  ],
];
for (const [what, status, message] of played) {
  clusterTest(`a machine fails for ${what}, and says so`, async (site) => {
    site.writeTemplates({ small: idle });
    site.serve("--image-pull-grace", "2");
    const id = await site.request(1);
    const pod = await eventually("the pod", async () => (await site.cluster.pods()).get(`${id}-0`));
    await site.cluster.setStatus(`${id}-0`, status(pod));
    assert.match(await reasonOf(site, id), message);
  });
}

clusterTest("a machine that is preempted says for what", async (site) => {
  site.writeTemplates({ small: idle });
  site.serve();
  const id = await site.request(1);
  const pod = await eventually("the pod", async () => (await site.cluster.pods()).get(`${id}-0`));
  await eventually("it is followed", () => site.entries("pods").includes(`${id}-0`));
  await site.cluster.setStatus(`${id}-0`, disrupted(pod, "PreemptionByScheduler", "default-scheduler: preempting"));
  await site.cluster.deletePod(`${id}-0`);
  assert.match(
    await reasonOf(site, id),
    /^The cluster took the pod away: PreemptionByScheduler: default-scheduler: preempting$/,
  );
});

clusterTest("a machine that its kubelet evicts says why and where", async (site) => {
  site.writeTemplates({ small: { ...manifest, metadata: { labels: { "hostfactory.test/behaviour": "evicted" } } } });
  site.serve();
  const id = await site.request(1);
  await eventually("it is named", async () => (await site.returnRequests()).requests.length > 0);
  assert.match(
    await reasonOf(site, id),
    /^The pod failed: Evicted: The node was low on resource: memory\. \(node \S+\)$/,
  );
});

clusterTest("machines that Pod Security refuses fail at once, in its words", async (site, kind) => {
  if (kind === "simulator") await simulatedFault(site.cluster, "pod-security");
  else {
    await labelNamespace(site.cluster, { "pod-security.kubernetes.io/enforce": "restricted" });
    await refused(site.cluster, "violates PodSecurity");
  }
  site.serve();
  assert.match(await reasonOf(site, await site.request(1)), /is forbidden: violates PodSecurity "restricted:latest"/);
});

clusterTest("machines that an admission policy refuses fail at once, in its words", async (site, kind) => {
  const said = "no machines on Saturdays";
  await using _policy = kind === "real"
    ? await refusingPolicy(site.cluster, said)
    : await simulatedFault(site.cluster, "pod-security", { message: `denied request: ${said}` });
  site.serve();
  assert.match(await reasonOf(site, await site.request(1)), /denied request: no machines on Saturdays$/);
});

clusterTest("a webhook that does not answer is waited for", async (site, kind) => {
  const serve = site.serve();
  await serve.says(/tenure: Owner /);
  let id: string;
  {
    await using _webhook = kind === "real"
      ? await deadWebhook(site.cluster)
      : await simulatedFault(site.cluster, "failing", { message: "failed calling webhook", verbs: ["create"] });
    id = await site.request(1);
    await eventually("it is said why", () => /not created yet.*failed calling webhook/.test(serve.stderr));
    assert.equal((await site.status(id)).status, "running");
  }
  await site.allRunning(id);
});

clusterTest("a machine that has to be Ready is up once it is, and stays so", async (site) => {
  site.writeTemplates({ small: manifest }, { up: "Ready" });
  site.serve();
  const id = await site.request(1);
  await site.allRunning(id);
  const pod = (await site.cluster.pods()).get(`${id}-0`)!;
  const change = { status: "False", reason: "Why", lastTransitionTime: timestamp(Date.now() + 5_000) } as const;
  const conditions = pod.status?.conditions?.map((one): PodCondition =>
    one.type === "Ready" ? { ...one, ...change } : one
  );
  await site.cluster.setStatus(`${id}-0`, { conditions: conditions ?? [] });
  await eventually(
    "its pod file says so",
    () => Deno.readTextFileSync(`${site.workdir}/pods/${id}-0`).includes('"Why"'),
  );
  assert.deepEqual((await site.status(id)).machines.map(({ result }) => result), ["succeed"]);
});

clusterTest("a machine that has to be Ready and never is fails after the timeout", async (site) => {
  const never = { ...manifest, metadata: { labels: { "hostfactory.test/behaviour": "never-ready" } } };
  site.writeTemplates({ small: never }, { up: "Ready" });
  const patient = site.serve();
  const id = await site.request(1);
  await eventually("it runs", async () => (await site.cluster.pods()).get(`${id}-0`)?.status?.phase === "Running");
  assert.equal((await site.status(id)).status, "running");
  await patient.stop();
  site.serve("--pod-timeout", "1");
  assert.match(await reasonOf(site, id), /^Not ready after 1 s: /);
  await eventually("the pod is gone", async () => (await site.cluster.podNames()).length === 0);
});

/** The message of the request's only machine, once it has failed. */
async function reasonOf(site: Site, id: string): Promise<string> {
  const { machines: [machine] } = await site.statusOnce(id, ({ status }) => status === "complete_with_error");
  assert.equal(machine?.result, "fail");
  return machine?.message ?? "";
}

async function labelNamespace(cluster: Cluster, labels: Record<string, string>): Promise<void> {
  const path = `/api/v1/namespaces/${cluster.namespace}`;
  const { metadata, ...rest } = await cluster.call("GET", path) as { metadata: { labels?: object } };
  await cluster.call("PUT", path, { ...rest, metadata: { ...metadata, labels: { ...metadata.labels, ...labels } } });
}

/** A fault of the simulator, until it is disposed of. */
async function simulatedFault(cluster: Cluster, name: string, options: object = {}): Promise<AsyncDisposable> {
  const path = `/simulator/faults/${name}`;
  await cluster.call("PUT", path, options);
  return { [Symbol.asyncDispose]: async () => void await cluster.call("DELETE", path) };
}

const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
const createPods = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] };
const onlyIn = ({ namespace }: Cluster) => ({ matchLabels: { "kubernetes.io/metadata.name": namespace } });

/** A policy that lets no pod into the namespace, in force, until it is disposed of. */
async function refusingPolicy(cluster: Cluster, message: string): Promise<AsyncDisposable> {
  const metadata = { name: cluster.namespace };
  const [policies, bindings] = ["validatingadmissionpolicies", "validatingadmissionpolicybindings"];
  await cluster.call("POST", `${ADMISSION}/${policies}`, {
    metadata,
    spec: {
      matchConstraints: { namespaceSelector: onlyIn(cluster), resourceRules: [createPods] },
      validations: [{ expression: "false", message }],
    },
  });
  await cluster.call("POST", `${ADMISSION}/${bindings}`, {
    metadata,
    spec: { policyName: cluster.namespace, validationActions: ["Deny"] },
  });
  await refused(cluster, message);
  return {
    async [Symbol.asyncDispose]() {
      for (const kind of [bindings, policies]) {
        await cluster.call("DELETE", `${ADMISSION}/${kind}/${cluster.namespace}`);
      }
    },
  };
}

/** A webhook for pods of the namespace that no one answers, in force, until it is disposed of. */
async function deadWebhook(cluster: Cluster): Promise<AsyncDisposable> {
  const path = `${ADMISSION}/validatingwebhookconfigurations`;
  await cluster.call("POST", path, {
    metadata: { name: cluster.namespace },
    webhooks: [{
      name: "nobody.hostfactory.test",
      clientConfig: { url: "https://127.0.0.1:1/" },
      namespaceSelector: onlyIn(cluster),
      rules: [createPods],
      failurePolicy: "Fail",
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
      timeoutSeconds: 1,
    }],
  });
  await refused(cluster, "failed calling webhook");
  return { [Symbol.asyncDispose]: async () => void await cluster.call("DELETE", `${path}/${cluster.namespace}`) };
}

/** Waits until no pod can be created, with these words. */
async function refused(cluster: Cluster, words: string): Promise<void> {
  const pod = { ...manifest, metadata: { name: "probe" } };
  await eventually(`pods are refused: ${words}`, async () => {
    try {
      await cluster.call("POST", `/api/v1/namespaces/${cluster.namespace}/pods?dryRun=All`, pod);
      return false;
    } catch (error) {
      return (error as Error).message.includes(words);
    }
  });
}
