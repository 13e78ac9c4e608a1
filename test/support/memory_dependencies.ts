import { Budget } from "../../src/budget.ts";
import type { Caller } from "../../src/extensions/pre_create.ts";
import { PreDelete } from "../../src/extensions/pre_delete.ts";
import type { Pod, PodStatus } from "../../src/kube/types.ts";
import { PodLabel } from "../../src/templates/podspec.ts";
import type { Loop, Outcome } from "../../src/watchers/loop.ts";
import { Limiter } from "../../src/watchers/work/limiter.ts";
import type { Dependencies } from "../../src/watchers/dependencies.ts";
import { addRequest } from "../../src/workdir/requests.ts";
import { PodNames } from "../../src/workdir/index/pod_names.ts";
import { ReturnIndex } from "../../src/workdir/index/returns.ts";
import { addReturn } from "../../src/workdir/returns.ts";
import { Registrations } from "../../src/extensions/registrations.ts";
import { FakeKube } from "./fake_kube.ts";
import type { MemoryFiles } from "./memory_files.ts";
import { manifest, memoryProvider } from "./memory_provider.ts";
import { settled, SimulatedClock } from "./simulated_clock.ts";

/** What watchers stand on, all of it in memory. */
export interface MemoryDependencies extends Dependencies {
  files: MemoryFiles;
  clock: SimulatedClock;
  kube: FakeKube;
  /** Aborts `stopping`. */
  stop: () => void;
  /** Aborts `signal`. */
  end: () => void;
}

/** Registrations of which nothing is to come, unless a test has them read again. */
class SettledRegistrations extends Registrations {
  override get isSettled(): boolean {
    return true;
  }
}

export function memoryDependencies(
  options: {
    concurrency?: number;
    files?: MemoryFiles;
    clock?: SimulatedClock;
    kube?: FakeKube;
    seed?: number;
    hooks?: Caller;
    registrations?: Registrations;
  } = {},
): MemoryDependencies {
  const { files, clock, random, workdir } = memoryProvider(options);
  const [stopping, ending] = [new AbortController(), new AbortController()];
  const registrations = options.registrations ??
    new SettledRegistrations({ files, confdir: "/conf", report: () => {} });
  const hooks = options.hooks ?? { leftAlone: [], call: () => Promise.reject(new Error("There are no extensions")) };
  const asked = { registrations, hooks, clock, instance: "k8s-hf", stopping: stopping.signal, unanswered() {} };
  return {
    workdir,
    files,
    clock,
    random,
    kube: options.kube ?? new FakeKube(clock),
    instance: "k8s-hf",
    formerInstances: [],
    identity: { id: "workdir00001", key: "secret", takenOver: [] },
    isSoleOwner: true,
    suspects: new Set(),
    concurrency: options.concurrency ?? 8,
    limiter: new Limiter({ clock, random }),
    returns: new ReturnIndex(workdir),
    podNames: new PodNames(workdir),
    registrations,
    hooks,
    preDelete: new PreDelete(asked),
    stopping: stopping.signal,
    signal: ending.signal,
    stop: () => stopping.abort(),
    end: () => ending.abort(),
  };
}

/** A request of the template `T`, as the verb accepts it. */
export async function ask({ workdir, clock }: MemoryDependencies, id: string, count: number): Promise<void> {
  const requestedAt = Math.floor(clock.now() / 1000);
  const request = { id, templateId: "T", count, requestedAt, manifest: JSON.stringify(manifest) };
  await addRequest(workdir, request, { budget: new Budget(clock) });
}

export async function giveBack(
  { workdir, clock }: MemoryDependencies,
  id: string,
  ...machines: string[]
): Promise<void> {
  await addReturn(workdir, { id, machines, unknown: [], requestedAt: 0 }, { budget: new Budget(clock) });
}

/** A pod of ours as the cluster has it. */
export function ourPod(name: string, status: PodStatus = { phase: "Pending" }, metadata: Pod["metadata"] = {}): Pod {
  const requestId = name.slice(0, name.lastIndexOf("-"));
  const labels = {
    app: name,
    [PodLabel.request]: requestId,
    [PodLabel.instance]: "k8s-hf",
    [PodLabel.workdir]: "workdir00001",
  };
  const times = { creationTimestamp: "2026-11-20T00:00:00Z", resourceVersion: "1" };
  return {
    metadata: { name, uid: `uid-${name}`, labels, ...times, ...metadata },
    spec: { containers: [{ name: "c" }] },
    status,
  };
}

/** A pod as a DELETED event shows it once it is gone. */
export function deleted(pod: Pod): Pod {
  const deletion = { deletionTimestamp: "2026-11-20T00:00:30Z", deletionGracePeriodSeconds: 0 };
  return { ...pod, metadata: { ...pod.metadata, ...deletion } };
}

/** Takes steps until the loop has nothing more to do within `ms`, with time passing as it asks for. */
export async function run(loop: Loop, { clock, stopping }: MemoryDependencies, ms = 60_000): Promise<Outcome> {
  const untilMs = clock.monotonic() + ms;
  while (true) {
    const outcome = await loop.step(stopping);
    await settled();
    const restMs = untilMs - clock.monotonic();
    if (restMs <= 0) return outcome;
    const waitMs = outcome.kind === "again" ? outcome.atMs - clock.monotonic() : 1_000;
    await clock.advance(Math.min(restMs, Math.max(10, Math.min(waitMs, 1_000))));
  }
}
