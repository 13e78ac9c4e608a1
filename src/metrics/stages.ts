import { timestampSeconds } from "../clock.ts";
import type { Pod } from "../kube/types.ts";
import { REQUEST_ANNOTATION, RequestMemorySchema } from "../templates/podspec.ts";
import { parseRecord } from "../workdir/store/record.ts";
import { type Stage, STAGES } from "./declared.ts";

/**
 * When a pod reached each stage, in seconds since the epoch by the cluster's clock; without stages that it has not reached. It
 * reaches `running` when the last of its containers has started.
 */
export function stagesOf({ metadata, status }: Pod): Partial<Record<Stage, number>> {
  const since = (type: string) =>
    status?.conditions?.find((one) => one.type === type && one.status === "True")?.lastTransitionTime;
  const started = (status?.containerStatuses ?? []).map(({ state }) => timestampSeconds(state?.running?.startedAt));
  const isRunning = status?.phase === "Running" && started.length > 0 && !started.includes(undefined);
  return {
    ...known("created", timestampSeconds(metadata.creationTimestamp)),
    ...known("scheduled", timestampSeconds(since("PodScheduled"))),
    ...known("running", isRunning ? Math.max(...started.map((at) => at ?? 0)) : undefined),
    ...known("ready", timestampSeconds(since("Ready"))),
  };
}

/** When the machine of a pod was requested, in seconds since the epoch; `undefined` if its annotation does not say. */
export function requestedAt({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[REQUEST_ANNOTATION];
  return text === undefined ? undefined : parseRecord(RequestMemorySchema, text)?.requestedAt;
}

function known(stage: Stage, at: number | undefined): Partial<Record<Stage, number>> {
  return at === undefined ? {} : { [stage]: at };
}

const ALL_TOLD = (1 << STAGES.length) - 1;

/** Reports once for each pod and stage how long it took from the request; stages before this process began are left out. */
export class StageTimes {
  readonly #observe: (stage: Stage, seconds: number) => void;
  readonly #beganAt: number;
  /** A bit for each stage that needs no report any more, by the pod's uid. Bits, because there are many pods. */
  readonly #told = new Map<string, number>();

  /** @param options `beganAt`: when this process began, in seconds since the epoch */
  constructor(observe: (stage: Stage, seconds: number) => void, { beganAt }: { beganAt: number }) {
    this.#observe = observe;
    this.#beganAt = beganAt;
  }

  saw(pod: Pod): void {
    const { uid = "" } = pod.metadata;
    const told = this.#told.get(uid) ?? 0;
    if (told === ALL_TOLD) return;
    const times = stagesOf(pod);
    const news = STAGES.filter((stage, i) => times[stage] !== undefined && (told & 1 << i) === 0);
    if (news.length === 0) return;
    this.#told.set(uid, news.reduce((bits, stage) => bits | 1 << STAGES.indexOf(stage), told));
    const from = requestedAt(pod);
    for (const stage of news) {
      const at = times[stage] ?? 0;
      if (from !== undefined && at >= this.#beganAt) this.#observe(stage, Math.max(0, at - from));
    }
  }

  gone({ metadata: { uid = "" } }: Pod): void {
    this.#told.delete(uid);
  }

  /** Forgets all pods except those with these uids. */
  retain(uids: ReadonlySet<string>): void {
    for (const uid of this.#told.keys()) if (!uids.has(uid)) this.#told.delete(uid);
  }
}
