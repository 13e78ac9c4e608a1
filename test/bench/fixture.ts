import { systemFiles } from "../../src/files.ts";
import { machineName } from "../../src/hf/names.ts";
import type { Pod } from "../../src/kube/types.ts";
import { systemRandom } from "../../src/random.ts";
import { podFileText } from "../../src/workdir/pod_file.ts";
import { addRequest, markProcessed, settleMachine } from "../../src/workdir/requests.ts";
import { Workdir } from "../../src/workdir/store/workdir.ts";
import { atOnce } from "../support/at_once.ts";

/** The pod manifest of all measurements: one container with requests and limits, as a Symphony compute host has. */
export const MANIFEST = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { labels: { role: "compute" } },
  spec: {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 5,
    containers: [{
      name: "sym",
      image: "symphony:7.3.2",
      env: [{ name: "EGO_TOP", value: "/opt/ibm/spectrumcomputing" }],
      resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { cpu: "100m", memory: "64Mi" } },
    }],
  },
};

/** A configuration directory with one template `T`. */
export function writeConfiguration(directory: string): void {
  Deno.mkdirSync(directory, { recursive: true });
  Deno.writeTextFileSync(`${directory}/pod.yaml`, JSON.stringify(MANIFEST));
  const attributes = { type: ["String", "X86_64"], ncpus: ["Numeric", "1"], nram: ["Numeric", "1024"] };
  const template = { templateId: "T", maxNumber: -1, attributes, podSpec: "pod.yaml" };
  Deno.writeTextFileSync(`${directory}/k8sprov_templates.json`, JSON.stringify({ templates: [template] }));
}

/** A work directory in which a request's machines all run, as `serve` leaves it; the pod files hold what an API server adds. */
export async function writeRunningRequest(root: string, requestId: string, count: number): Promise<void> {
  const workdir = new Workdir(root, { files: systemFiles, random: systemRandom });
  await workdir.prepare();
  await addRequest(workdir, {
    id: requestId,
    templateId: "T",
    count,
    requestedAt: 1_795_000_000,
    manifest: JSON.stringify(MANIFEST),
  }, atOnce);
  for (let index = 0; index < count; index++) {
    const name = machineName(requestId, index);
    settleMachine(workdir, requestId, name);
    Deno.writeTextFileSync(workdir.layout.pod(name), podFileText(runningPod(name, requestId, index)));
    Deno.symlinkSync("running", workdir.layout.podStatus(name));
  }
  await markProcessed(workdir, requestId);
}

/**
 * A work directory of which everything is over, as `serve` leaves it: so many requests with so many machines each, all
 * given back, each request's by one return request. Written without `serve`, which would take long.
 */
export async function writeFinishedRequests(
  root: string,
  { requests, machines }: { requests: number; machines: number },
): Promise<void> {
  const workdir = new Workdir(root, { files: systemFiles, random: systemRandom });
  await workdir.prepare();
  const { layout } = workdir;
  const empty = (path: string) => workdir.prototypes.empty(path);
  const count = { templateId: "T", count: machines };
  const end = { up: true, returned: true, givenUp: false, message: "Returned by Symphony" };
  for (let i = 0; i < requests; i++) {
    const [id, returnId] = [`f${String(i).padStart(11, "0")}`, `r${String(i).padStart(11, "0")}`];
    const names = Array.from({ length: machines }, (_, index) => machineName(id, index));
    for (const directory of [layout.request(id), layout.returnRequest(returnId)]) {
      Deno.mkdirSync(directory);
      const record = { version: 1, requestedAt: 1_795_000_000, unknown: [], ...count };
      Deno.writeTextFileSync(`${directory}/.request.json`, `${JSON.stringify(record)}\n`);
      for (const name of [".processed", ...names]) empty(`${directory}/${name}`);
    }
    Deno.writeTextFileSync(`${layout.request(id)}/.manifest.json`, JSON.stringify(MANIFEST));
    for (const [index, name] of names.entries()) {
      const uid = `00000000-0000-4000-8000-${String(i * machines + index).padStart(12, "0")}`;
      const note = { uid, privateIpAddress: "10.0.0.1", launchtime: 1_795_000_100, ...end };
      Deno.writeTextFileSync(layout.machine(name), `${JSON.stringify(note)}\n`);
      workdir.prototypes.link("deleted", layout.podStatus(name));
    }
  }
}

function runningPod(name: string, requestId: string, index: number): Pod {
  const at = "2026-11-20T12:00:00Z";
  const podIP = `10.${index >> 16 & 255}.${index >> 8 & 255}.${index & 255}`;
  const condition = (type: string) => ({ type, status: "True" as const, lastTransitionTime: at });
  return {
    metadata: {
      name,
      namespace: "default",
      uid: crypto.randomUUID(),
      resourceVersion: String(1000 + index),
      creationTimestamp: at,
      labels: { app: name, "symphony/hostfactory-reqid": requestId, "symphony/hostfactory-instance": "k8s-hf" },
      annotations: { "symphony/hostfactory-request": '{"templateId":"T","count":1,"index":0}' },
    },
    spec: {
      ...MANIFEST.spec,
      nodeName: `node-${index % 200}`,
      serviceAccountName: "default",
      schedulerName: "default-scheduler",
    },
    status: {
      phase: "Running",
      podIP,
      startTime: at,
      conditions: ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map(condition),
      containerStatuses: [{
        name: "sym",
        ready: true,
        restartCount: 0,
        image: "symphony:7.3.2",
        state: { running: { startedAt: at } },
      }],
    },
  };
}
