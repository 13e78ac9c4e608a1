import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import { systemFiles } from "../../src/files.ts";
import { connectKube } from "../../src/kube/connect.ts";
import type { KubeError } from "../../src/kube/errors.ts";
import type { Kube } from "../../src/kube/kube.ts";
import { isMadeByUs } from "../../src/kube/field_manager.ts";
import { reflect } from "../../src/kube/reflector.ts";
import type { Pod } from "../../src/kube/types.ts";
import { systemRandom } from "../../src/random.ts";

/** A kubeconfig of any cluster in whose namespace pods may be created and deleted. */
const kubeconfig = Deno.env.get("HF_TEST_KUBECONFIG");
if (!kubeconfig) {
  console.warn("SKIPPED: the Kubernetes client against a real API server, for HF_TEST_KUBECONFIG is not set");
}

const run = crypto.randomUUID().slice(0, 8);
const labelSelector = `hostfactory.test/run=${run}`;
const kube = connectKube({
  environment: Deno.env.toObject(),
  files: systemFiles,
  clock: systemClock,
  ...(kubeconfig ? { kubeconfig } : {}),
});

function pod(name: string): Pod {
  return {
    metadata: { name: `kube-test-${run}-${name}`, labels: { "hostfactory.test/run": run } },
    spec: {
      nodeSelector: { "hostfactory.test/nowhere": "x" },
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "main", image: "none" }],
    },
  };
}

/**
 * More than the 3 MiB that an API server reads, but by no more than it reads to its end before it answers: with much more left it
 * closes the connection, and whether its answer still arrives is a matter of luck.
 */
const tooLarge = "x".repeat(3 * 1024 * 1024 + 20_000);

const nameOf = ({ metadata }: Pod) => metadata.name ?? "";

/** Deletes what the tests made, whatever became of them. */
async function cleanUp(): Promise<void> {
  for (const { metadata } of (await kube.listPods({ labelSelector })).items) {
    await kube.deletePod(metadata.name ?? "", { uid: metadata.uid ?? "", gracePeriodSeconds: 0 }).catch(() => {});
  }
}

const listOne = (kube: Kube) => kube.listPods({ limit: 1 });
const getNone = (kube: Kube) => kube.getPod("none").catch(() => {});
const watchBriefly = async (kube: Kube) => {
  const once = { labelSelector, resourceVersion: "0", timeoutSeconds: 1, idleTimeoutMs: 10_000 };
  for await (const _event of kube.watchPods(once)) break;
};

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = systemClock.monotonic() + 200_000;
  while (!await holds()) {
    if (systemClock.monotonic() > deadline) throw new Error(`In vain: ${what}`);
    await systemClock.sleep(20);
  }
}

// Connections stay open from one test to the next.
const real = { ignore: !kubeconfig, sanitizeResources: false, sanitizeOps: false };

Deno.test({
  ...real,
  name: "A real API server tells its time with every answer, that of a watch included",
  async fn() {
    for (const ask of [listOne, getNone, watchBriefly]) {
      const fresh = connectKube({
        environment: Deno.env.toObject(),
        files: systemFiles,
        clock: systemClock,
        ...(kubeconfig ? { kubeconfig } : {}),
      });
      await ask(fresh);
      const lateMs = systemClock.now() - (fresh.now() ?? NaN);
      assert.ok(Math.abs(lateMs) < 60_000, `${lateMs} ms late`);
    }
  },
});

Deno.test({
  ...real,
  name: "A real API server notes who wrote the spec of a pod, whatever is changed of it later",
  async fn() {
    try {
      const { metadata: { name = "", uid = "" } } = await kube.createPod(pod("written"));
      await kube.annotatePod(name, { uid, annotations: { "hostfactory.test/note": "x" } });
      assert.equal(isMadeByUs((await kube.getPod(name)).metadata), true);
    } finally {
      await cleanUp();
    }
  },
});

Deno.test({
  ...real,
  name: "A real API server's errors are sorted by kind",
  async fn() {
    try {
      const made = await kube.createPod(pod("a"));
      const kinds = await Promise.all([
        kube.createPod(pod("a")),
        kube.createPod({ ...pod("a"), metadata: { name: "Not_A_Name" } }),
        kube.createPod({
          ...pod("b"),
          metadata: { ...pod("b").metadata, annotations: { large: tooLarge } },
        }),
        kube.getPod("kube-test-nowhere"),
        kube.deletePod("kube-test-nowhere", { uid: "x" }),
        kube.deletePod(nameOf(made), { uid: "another" }),
      ].map((call) => call.then(() => "success", (error: KubeError) => error.kind)));
      assert.deepEqual(kinds, ["alreadyExists", "invalid", "invalid", "notFound", "notFound", "conflict"]);
    } finally {
      await cleanUp();
    }
  },
});

Deno.test({
  ...real,
  name: "A reflector's picture of a real cluster is right after every change",
  async fn() {
    const known = new Map<string, Pod>();
    let listed = new Set<string>();
    let complete = false;
    const stop = new AbortController();
    const following = reflect({
      list: (options) => kube.listPods(options),
      watch: (options) => kube.watchPods(options),
    }, {
      begin: () => void (listed = new Set()),
      page: (pods) => {
        for (const one of pods) {
          listed.add(nameOf(one));
          known.set(nameOf(one), one);
        }
      },
      complete: () => {
        for (const name of known.keys()) if (!listed.has(name)) known.delete(name);
        complete = true;
      },
      event: (type, one) => void (type === "DELETED" ? known.delete(nameOf(one)) : known.set(nameOf(one), one)),
      heard: () => {},
      failed: () => {},
    }, {
      clock: systemClock,
      random: systemRandom,
      signal: stop.signal,
      labelSelector,
      pageLimit: 7,
      watchTimeoutSeconds: 1,
    });
    try {
      await Promise.all(Array.from({ length: 20 }, (_, index) => kube.createPod(pod(`early-${index}`))));
      await until("the list is complete and the pods are known", () => complete && known.size === 20);
      await Promise.all(Array.from({ length: 20 }, (_, index) => kube.createPod(pod(`late-${index}`))));
      await until("the later pods are known too", () => known.size === 40);
      // Longer than one watch, so that several ends and beginnings lie in between.
      await systemClock.sleep(2_500);
      const gone = [...known.values()].slice(0, 15);
      await Promise.all(
        gone.map(({ metadata }) =>
          kube.deletePod(metadata.name ?? "", { uid: metadata.uid ?? "", gracePeriodSeconds: 0 })
        ),
      );
      await until("the picture is the cluster's", async () => {
        const { items } = await kube.listPods({ labelSelector });
        const versions = (pods: Iterable<Pod>) =>
          [...pods].map((one) => `${nameOf(one)} ${one.metadata.resourceVersion}`).sort();
        return items.length === 25 && versions(items).join() === versions(known.values()).join();
      });
    } finally {
      stop.abort();
      await following;
      await cleanUp();
    }
  },
});
