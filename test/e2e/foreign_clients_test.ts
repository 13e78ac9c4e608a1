/** Clients that are not ours, on the simulator as on a real API server: what they do comes out the same. */
import assert from "node:assert/strict";
import {
  ApiException,
  CoordinationV1Api,
  CoreV1Api,
  KubeConfig,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1Pod,
  Watch,
} from "@kubernetes/client-node";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";
import { Kubectl, lacksKubectl } from "../support/kubectl.ts";
import { objectsOfRole } from "../support/role.ts";

// Under Deno 2.6, client-node's watch leaves a rejection to no one when its connection ends.
globalThis.addEventListener("unhandledrejection", (event) => {
  if (/error reading a body|request has been cancelled|aborted/i.test(String(event.reason))) event.preventDefault();
});

const containers = [{ name: "c", image: "registry.example/c:1" }];

function podOf(name: string, labels: Record<string, string> = {}): V1Pod {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec: { containers } };
}

function configOf(kubeconfig: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  return config;
}

/**
 * What a call of client-node fails with. A delete with a body is not among them: under Deno 2.6 it is never answered, whatever
 * the server.
 */
async function failure(call: Promise<unknown>): Promise<{ code: number; reason: string; message: string }> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof ApiException)) throw error;
    const { reason, message } = JSON.parse(error.body);
    return { code: error.code, reason, message };
  }
  throw new Error("it did not fail");
}

clusterTest("client-node creates, reads, lists, patches and deletes pods", async ({ cluster }) => {
  const core = configOf(cluster.adminKubeconfig()).makeApiClient(CoreV1Api);
  const { namespace } = cluster;
  for (const name of ["a", "b", "c"]) {
    const pod = await core.createNamespacedPod({ namespace, body: podOf(name, { of: "client-node" }) });
    assert.equal(pod.metadata?.name, name);
    assert.ok(pod.metadata?.creationTimestamp instanceof Date);
  }
  const first = await core.listNamespacedPod({ namespace, labelSelector: "of=client-node", limit: 2 });
  assert.deepEqual(first.items.map(({ metadata }) => metadata?.name), ["a", "b"]);
  const _continue = first.metadata?._continue ?? "";
  const rest = await core.listNamespacedPod({ namespace, labelSelector: "of=client-node", limit: 2, _continue });
  assert.deepEqual(rest.items.map(({ metadata }) => metadata?.name), ["c"]);

  await core.patchNamespacedPod({
    name: "a",
    namespace,
    body: [{ op: "add", path: "/metadata/annotations", value: { note: "1" } }],
  });
  await core.patchNamespacedPod(
    { name: "a", namespace, body: { metadata: { labels: { of: null, by: "merge" } } } },
    setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
  );
  const patched = await core.readNamespacedPod({ name: "a", namespace });
  assert.deepEqual([patched.metadata?.annotations?.["note"], patched.metadata?.labels?.["of"]], ["1", undefined]);

  await core.createNamespacedPod({ namespace, body: podOf("d"), dryRun: "All" });
  await core.deleteNamespacedPod({ name: "b", namespace, dryRun: "All" });
  assert.deepEqual(await cluster.podNames(), ["a", "b", "c"]);
  await core.deleteNamespacedPod({ name: "b", namespace, gracePeriodSeconds: 0 });
  await core.deleteCollectionNamespacedPod({ namespace, labelSelector: "of=client-node", gracePeriodSeconds: 0 });
  await eventually("the ends of the pods", async () => (await cluster.podNames()).join() === "a");
});

clusterTest("client-node is told of errors in the same words", async ({ cluster }) => {
  const config = configOf(cluster.adminKubeconfig());
  const core = config.makeApiClient(CoreV1Api);
  const { namespace } = cluster;
  await core.createNamespacedPod({ namespace, body: podOf("a") });
  assert.deepEqual(await failure(core.readNamespacedPod({ name: "none", namespace })), {
    code: 404,
    reason: "NotFound",
    message: 'pods "none" not found',
  });
  assert.deepEqual(await failure(core.createNamespacedPod({ namespace, body: podOf("a") })), {
    code: 409,
    reason: "AlreadyExists",
    message: 'pods "a" already exists',
  });
  const resources = { requests: { cpu: "2" }, limits: { cpu: "1" } };
  const greedy = { ...podOf("b"), spec: { containers: [{ ...containers[0]!, resources }] } };
  assert.deepEqual(await failure(core.createNamespacedPod({ namespace, body: greedy })), {
    code: 422,
    reason: "Invalid",
    message:
      'Pod "b" is invalid: spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal ' +
      "to cpu limit of 1",
  });
  const strange = { ...podOf("b"), spec: { containers, bogus: 1 } } as V1Pod;
  assert.equal((await core.createNamespacedPod({ namespace, body: strange })).metadata?.name, "b");
  const stale = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "l", resourceVersion: "1" } };
  const leases = config.makeApiClient(CoordinationV1Api);
  await leases.createNamespacedLease({ namespace, body: { ...stale, metadata: { name: "l" } } });
  const { code, reason } = await failure(leases.replaceNamespacedLease({ name: "l", namespace, body: stale }));
  assert.deepEqual([code, reason], [409, "Conflict"]);
});

clusterTest("client-node's watch and informer follow pods from their creation to their end", async ({ cluster }) => {
  const config = configOf(cluster.adminKubeconfig());
  const core = config.makeApiClient(CoreV1Api);
  const { namespace } = cluster;
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const { metadata } = await core.listNamespacedPod({ namespace });
  const watched: string[] = [];
  const dependencies = await new Watch(config).watch(
    path,
    { resourceVersion: metadata?.resourceVersion, allowWatchBookmarks: true },
    (type, pod) => watched.push(`${type} ${pod.metadata.name}`),
    () => {},
  );
  const informed: string[] = [];
  const informer = makeInformer(config, path, () => core.listNamespacedPod({ namespace }));
  for (const event of ["add", "delete"] as const) {
    informer.on(event, (pod) => informed.push(`${event} ${pod.metadata?.name}`));
  }
  await informer.start();
  try {
    await core.createNamespacedPod({ namespace, body: podOf("a") });
    await eventually("a running pod", () => informer.get("a", namespace)?.status?.phase === "Running");
    await core.deleteNamespacedPod({ name: "a", namespace, gracePeriodSeconds: 1 });
    await eventually("the end of the pod", () => informed.includes("delete a") && watched.includes("DELETED a"));
    assert.deepEqual(informed, ["add a", "delete a"]);
    assert.equal(watched[0], "ADDED a");
    assert.equal(watched.at(-1), "DELETED a");
  } finally {
    await informer.stop();
    dependencies.abort();
  }
});

clusterTest("kubectl creates, applies, describes and deletes pods", async ({ cluster, directory }) => {
  const kubectl = new Kubectl(directory, cluster.adminKubeconfig());
  const create = ["create", "-f", "-"];
  assert.equal(await kubectl.says(create, podOf("a")), "pod/a created");
  assert.equal(
    await kubectl.refuses(create, podOf("a")),
    'Error from server (AlreadyExists): error when creating "STDIN": pods "a" already exists',
  );
  assert.match(
    await kubectl.refuses(create, { ...podOf("x"), spec: { containers, bogus: 1 } }),
    /unknown field "spec.bogus"/,
  );

  const apply = ["apply", "-f", "-"];
  assert.equal(await kubectl.says(apply, podOf("b", { colour: "red" })), "pod/b created");
  assert.equal(await kubectl.says(apply, podOf("b", { colour: "red" })), "pod/b unchanged");
  assert.equal(await kubectl.says(apply, podOf("b", { shade: "dark" })), "pod/b configured");
  assert.equal(await kubectl.says(["get", "pod", "b", "-o", "jsonpath={.metadata.labels.colour}"]), "");
  assert.equal(await kubectl.says(["get", "pod", "b", "-o", "jsonpath={.metadata.labels.shade}"]), "dark");
  const other = { ...podOf("b"), spec: { containers: [...containers, { name: "other", image: "c" }] } };
  assert.match(await kubectl.refuses(apply, other), /pod updates may not add or remove containers/);
  const never = { ...podOf("b"), spec: { containers, restartPolicy: "Never" } };
  assert.match(await kubectl.refuses(apply, never), /Forbidden: pod updates may not change fields other than/);

  const serverSide = ["apply", "--server-side", "-f", "-"];
  assert.equal(await kubectl.says(serverSide, podOf("c", { colour: "red" })), "pod/c serverside-applied");
  const byAnother = [...serverSide, "--field-manager", "another"];
  assert.match(
    await kubectl.refuses(byAnother, podOf("c", { colour: "blue" })),
    /conflict with "kubectl": \.metadata\.labels\.colour/,
  );
  assert.equal(
    await kubectl.says([...byAnother, "--force-conflicts"], podOf("c", { colour: "blue" })),
    "pod/c serverside-applied",
  );

  await kubectl.says(["wait", "--for=condition=Ready", "pod/a", "pod/b", "pod/c", "--timeout=150s"]);
  const table = (await kubectl.says(["get", "pods"])).split("\n").map((line) => line.split(/ +/).slice(0, 4));
  assert.deepEqual(table, [
    ["NAME", "READY", "STATUS", "RESTARTS"],
    ...["a", "b", "c"].map((name) => [name, "1/1", "Running", "0"]),
  ]);
  assert.equal(await kubectl.says(["get", "pods", "-l", "shade=dark", "-o", "name"]), "pod/b");
  const described = await kubectl.says(["describe", "pod", "b"]);
  for (
    const line of [/^Name: +b$/m, /^Labels: +shade=dark/m, /^Status: +Running$/m, /Image: +registry.example\/c:1$/m]
  ) {
    assert.match(described, line);
  }
  assert.match(await kubectl.says(["explain", "pod.spec.restartPolicy"]), /FIELD: restartPolicy <string>/);

  assert.match(await kubectl.says(["delete", "pod", "a", "--dry-run=server"]), /^pod "a" deleted.*\(server dry run\)$/);
  assert.equal(await kubectl.says([...create, "--dry-run=server"], podOf("d")), "pod/d created (server dry run)");
  assert.equal(await kubectl.says(["get", "pods", "-o", "name"]), "pod/a\npod/b\npod/c");
  assert.match(await kubectl.says(["delete", "pod", "a", "b"]), /^pod "a" deleted.*\npod "b" deleted/);
  assert.equal(
    await kubectl.refuses(["get", "pod", "a"]),
    'Error from server (NotFound): pods "a" not found',
  );
}, { lacks: lacksKubectl });

clusterTest("kubectl applies the role that hosts are given", async ({ cluster, directory }) => {
  const another = await cluster.sibling();
  try {
    const kubectl = new Kubectl(directory, another.adminKubeconfig());
    const apply = ["apply", "-f", "-"];
    const role = objectsOfRole(another.namespace, "of-kubectl");
    assert.equal(
      await kubectl.says(apply, ...role),
      "serviceaccount/of-kubectl created\nrole.rbac.authorization.k8s.io/of-kubectl created\n" +
        "rolebinding.rbac.authorization.k8s.io/of-kubectl created",
    );
    assert.match(await kubectl.says(apply, ...role), /^(\S+ unchanged\n?){3}$/);
    const kinds = ["serviceaccount", "role", "rolebinding"].map((kind) => `${kind}/of-kubectl`);
    assert.equal((await kubectl.says(["get", ...kinds, "-o", "name"])).split("\n").length, 3);
    assert.match(
      await kubectl.says(["describe", "role", "of-kubectl"]),
      /pods +\[\] +\[\] +\[create get list watch patch delete\]/,
    );
    await kubectl.says(["delete", ...kinds]);
    assert.match(
      await kubectl.refuses(["get", "role/of-kubectl"]),
      /roles.rbac.authorization.k8s.io "of-kubectl" not found/,
    );
  } finally {
    await another.deleteNamespace();
  }
}, { lacks: lacksKubectl });

clusterTest(
  "kubectl drains a node: its pods are evicted, and nothing new comes to it",
  async ({ cluster, directory }) => {
    const kubectl = new Kubectl(directory, cluster.adminKubeconfig());
    await kubectl.says(["create", "-f", "-"], podOf("drained"));
    const node = await eventually("a node for the pod", async () => {
      return (await kubectl.says(["get", "pod", "drained", "-o", "jsonpath={.spec.nodeName}"])) || undefined;
    });
    // Others may have pods on that node of a real cluster.
    const drain = ["drain", node, "--ignore-daemonsets", "--force", "--pod-selector=hostfactory.test/drain=yes"];
    await kubectl.says(["label", "pod", "drained", "hostfactory.test/drain=yes"]);
    try {
      assert.match(await kubectl.says([...drain, "--dry-run=server"]), /evicting pod .*drained \(server dry run\)/);
      assert.deepEqual(await cluster.podNames(), ["drained"]);
      assert.match(await kubectl.says([...drain, "--timeout=60s"]), new RegExp(`node/${node} drained`));
      assert.deepEqual(await cluster.podNames(), []);
      assert.equal(await kubectl.says(["get", "node", node, "-o", "jsonpath={.spec.unschedulable}"]), "true");
    } finally {
      await kubectl.says(["uncordon", node]);
    }
  },
  { lacks: lacksKubectl },
);
