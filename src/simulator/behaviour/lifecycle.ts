import type { Clock } from "../../clock.ts";
import type { ContainerState, Pod } from "../../kube/types.ts";
import type { Random } from "../../random.ts";
import { nodeAddress, type Nodes } from "./nodes.ts";
import {
  boundTo,
  disrupted,
  ended,
  hasEnded,
  unschedulable,
  withCondition,
  withContainers,
  withDeletion,
} from "./pod_changes.ts";
import type { Stage } from "./stages.ts";
import type { Store } from "../store/store.ts";
import type { Change } from "../store/stored.ts";
import type { Appointment, Timeline } from "./timeline.ts";
import { timestamp } from "../store/timestamp.ts";

/** The label by which a pod chooses its behaviour. */
export const BEHAVIOUR_LABEL = "hostfactory.test/behaviour";

/** How long until another attempt to schedule a pod that found no node, in milliseconds. */
const RESCHEDULE_MS = 1000;

/** The stage that was drawn for a pod. Without an appointment the pod stays as it is. */
interface Plan {
  stage: Stage;
  appointment?: Appointment;
}

/**
 * Takes every pod through the stages. At each change of a pod it draws one of the matching stages, which happens after
 * its delay, unless the pod stops matching it before.
 */
export class Lifecycle {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #timeline: Timeline;
  readonly #pods: Store<Pod>;
  readonly #nodes: Nodes;
  readonly #plans = new Map<string, Plan>();
  /** Behaviours that faults force on pods, by uid. */
  readonly #forced = new Map<string, string>();
  #stages: Stage[];
  #addresses = 0;

  constructor(
    options: { clock: Clock; random: Random; timeline: Timeline; pods: Store<Pod>; nodes: Nodes; stages: Stage[] },
  ) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#timeline = options.timeline;
    this.#pods = options.pods;
    this.#nodes = options.nodes;
    this.#stages = options.stages;
    this.#pods.onChange((change) => this.#follow(change));
    this.#pods.onRestore(() => {
      this.#nodes.recount([...this.#pods.values()].filter((pod) => !hasEnded(pod)));
      this.#startOver();
    });
  }

  /** Makes a pod that is about to be created behave as if its label said so. */
  force(uid: string, behaviour: string): void {
    this.#forced.set(uid, behaviour);
  }

  /** Replaces the stages of all pods from now on. */
  setStages(stages: Stage[]): void {
    this.#stages = stages;
    this.#startOver();
  }

  #startOver(): void {
    for (const plan of this.#plans.values()) plan.appointment?.cancel();
    this.#plans.clear();
    for (const pod of [...this.#pods.values()]) this.#plan(pod);
  }

  /**
   * Removes a pod, as the kubelet does once its containers are gone; with finalizers, only once these are gone, too.
   */
  finish(pod: Pod): Pod {
    const marked = pod.metadata.deletionGracePeriodSeconds === 0
      ? pod
      : this.#pods.put(withDeletion(pod, 0, this.#clock.now()));
    return marked.metadata.finalizers?.length ? marked : this.#pods.remove(marked);
  }

  #follow({ type, object }: Change<Pod>): void {
    if (type === "DELETED") {
      this.#plans.get(object.metadata.uid!)?.appointment?.cancel();
      this.#plans.delete(object.metadata.uid!);
      this.#forced.delete(object.metadata.uid!);
      this.#nodes.release(object);
      return;
    }
    if (hasEnded(object)) this.#nodes.release(object);
    else this.#nodes.occupy(object);
    this.#plan(object);
  }

  #plan(pod: Pod): void {
    const uid = pod.metadata.uid!;
    const behaviour = this.#forced.get(uid) ?? pod.metadata.labels?.[BEHAVIOUR_LABEL];
    const isOurs = pod.spec["schedulerName"] === "default-scheduler" || pod.spec.nodeName !== undefined;
    const matching = isOurs ? this.#stages.filter(({ match }) => matches(match, pod, behaviour)) : [];
    const current = this.#plans.get(uid);
    const kept = current && matching.includes(current.stage) ? current : undefined;
    if (!kept) current?.appointment?.cancel();
    const stage = kept?.stage ?? this.#draw(matching);
    if (!stage) {
      this.#plans.delete(uid);
      return;
    }
    const latestMs = stage.next.delete ? millisecondsOfGraceLeft(pod, this.#clock.now()) : Infinity;
    if (kept && (!kept.appointment || kept.appointment.due <= this.#clock.monotonic() + latestMs)) return;
    kept?.appointment?.cancel();
    if (Object.keys(stage.next).length === 0) {
      this.#plans.set(uid, { stage });
      return;
    }
    let delayMs = kept ? latestMs : Math.min(stage.delayMs + this.#random.next() * stage.jitterMs, latestMs);
    if (stage.next.schedule && isUnschedulable(pod)) delayMs = RESCHEDULE_MS;
    // At least one millisecond, so that stages that lead to each other cannot stop time.
    const appointment = this.#timeline.after(Math.max(delayMs, 1), () => this.#happen(pod, stage));
    this.#plans.set(uid, { stage, appointment });
  }

  #draw(stages: Stage[]): Stage | undefined {
    if (stages.length < 2) return stages[0];
    let point = this.#random.next() * stages.reduce((sum, { weight }) => sum + weight, 0);
    return stages.find(({ weight }) => (point -= weight) < 0);
  }

  #happen({ metadata }: Pod, stage: Stage): void {
    this.#plans.delete(metadata.uid!);
    const pod = this.#pods.get(metadata.namespace!, metadata.name!);
    if (!pod || pod.metadata.uid !== metadata.uid) return;
    if (stage.next.delete) this.finish(pod);
    else {
      const next = this.#next(pod, stage.next);
      // A pod that would not change is not written, as the API server does not; it is looked at again all the same.
      if (JSON.stringify(next) === JSON.stringify(pod)) this.#plan(pod);
      else this.#pods.put(next);
    }
  }

  #next(pod: Pod, next: Stage["next"]): Pod {
    const now = this.#clock.now();
    let changed = pod;
    if (next.schedule) {
      const choice = this.#nodes.choose(pod);
      if ("message" in choice) return unschedulable(pod, choice.message, now);
      const { name, labels = {} } = choice.node.metadata;
      changed = boundTo(changed, { name: name!, labels }, now);
    }
    if (next.unschedulable !== undefined) {
      const message = next.unschedulable.replaceAll("{nodes}", String(this.#nodes.store.size));
      changed = unschedulable(changed, message, now);
    }
    const { phase, reason, message } = next;
    if (next.terminated && (phase === "Failed" || phase === "Succeeded")) {
      changed = ended(changed, {
        phase,
        exitCode: next.terminated.exitCode,
        containerReason: next.terminated.reason,
        ...(reason === undefined ? {} : { reason }),
        ...(message === undefined ? {} : { message }),
      }, now);
    } else {
      changed = this.#withState(changed, next, now);
      changed = {
        ...changed,
        status: {
          ...changed.status,
          ...(phase === undefined ? {} : { phase }),
          ...(reason === undefined ? {} : { reason }),
          ...(message === undefined ? {} : { message }),
        },
      };
    }
    if (next.disruption) changed = disrupted(changed, next.disruption, now);
    if (next.deleteAfterSeconds !== undefined && changed.metadata.deletionTimestamp === undefined) {
      changed = withDeletion(changed, next.deleteAfterSeconds, now);
    }
    return changed;
  }

  /** Containers, readiness and addresses. */
  #withState(pod: Pod, next: Stage["next"], now: number): Pod {
    let changed = pod;
    const startTime = pod.status?.startTime ?? timestamp(now);
    const terminated = next.terminated && { ...next.terminated, finishedAt: timestamp(now) };
    const state: ContainerState | undefined = next.running
      ? { running: { startedAt: timestamp(now) } }
      : next.waiting
      ? { waiting: { reason: next.waiting.reason, ...(next.waiting.message ? { message: next.waiting.message } : {}) } }
      : terminated && { terminated };
    if (state) {
      // It waits because it ended, and its last state says how.
      if (terminated && !("terminated" in state)) {
        changed = withContainers(changed, { state: { terminated }, ready: false, started: false, restarts: 0 });
      }
      const started = next.running === true;
      changed = withContainers(changed, {
        state,
        ready: next.ready ?? false,
        started,
        restarts: next.restarts ?? 0,
      });
      changed = { ...changed, status: { ...changed.status, startTime } };
    }
    if (next.running && changed.status?.podIP === undefined) {
      const podIP = this.#nextAddress();
      const hostIP = nodeAddress(pod.spec.nodeName ?? "");
      changed = { ...changed, status: { ...changed.status, hostIP, podIP, podIPs: [{ ip: podIP }] } };
    }
    if (next.ready === undefined) return changed;
    const readiness = next.ready
      ? { status: "True" as const }
      : { status: "False" as const, reason: "ContainersNotReady", message: "containers with unready status" };
    changed = withCondition(changed, { type: "Initialized", status: "True" }, now);
    changed = withCondition(changed, { type: "Ready", ...readiness }, now);
    return withCondition(changed, { type: "ContainersReady", ...readiness }, now);
  }

  #nextAddress(): string {
    const number = ++this.#addresses;
    return `10.${(number >> 16) % 200}.${(number >> 8) & 255}.${number & 255}`;
  }
}

function matches(match: Stage["match"], pod: Pod, behaviour: string | undefined): boolean {
  const { metadata, spec, status } = pod;
  if (match.phase && !match.phase.some((phase) => phase === status?.phase)) return false;
  if (match.deleting !== undefined && match.deleting !== (metadata.deletionTimestamp !== undefined)) return false;
  if (match.scheduled !== undefined && match.scheduled !== (spec.nodeName !== undefined)) return false;
  if (match.behaviour && !match.behaviour.includes(behaviour ?? "")) return false;
  if (match.notBehaviour?.includes(behaviour ?? "")) return false;
  if (match.waiting && !match.waiting.includes(status?.containerStatuses?.[0]?.state?.waiting?.reason ?? "")) {
    return false;
  }
  if (match.ready !== undefined) {
    const isReady = status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
    if (match.ready !== isReady) return false;
  }
  return Object.entries(match.labels ?? {}).every(([key, value]) => metadata.labels?.[key] === value);
}

function isUnschedulable(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ reason }) => reason === "Unschedulable") ?? false;
}

function millisecondsOfGraceLeft({ metadata }: Pod, now: number): number {
  return metadata.deletionTimestamp === undefined
    ? Infinity
    : Math.max(Date.parse(metadata.deletionTimestamp) - now, 0);
}
