import { KubeError } from "../../kube/errors.ts";
import { logger } from "../../log.ts";
import { RETURN_ANNOTATION, type ReturnMemory } from "../../templates/podspec.ts";
import { readPodFacts } from "../../workdir/pod_file.ts";
import { readReturnRecord } from "../../workdir/returns.ts";
import { Complaints } from "../work/complaints.ts";
import type { Loop, Outcome } from "../loop.ts";
import { signatureOf } from "../work/pod_memory.ts";
import { isClusterTrouble, type Lane } from "../work/limiter.ts";
import type { Dependencies } from "../dependencies.ts";

/** How often, in milliseconds, returned machines are looked for whose pods stay. */
const LOOK_EVERY_MS = 5_000;

/** How long, in milliseconds, a pod may stay after its return before that is worth a call: most are gone by then. */
const STAYS_MS = 5_000;

/** How much longer it may, in milliseconds, for each that stays beside it: the deletes of many take their time. */
const STAYS_MS_PER_POD = 4;

/** Calls under way at once, at most: the deletes come first. */
const CONCURRENCY = 4;

/** How long, in milliseconds, nothing is tried if it is not granted: a role may be older than this. */
const REFUSED_MS = 10 * 60_000;

const log = logger("return-marker");

/**
 * Has the cluster remember which machines Symphony has given back, on their pods, for as long as these stay: what was
 * returned, and by which request, is known then though the work directory be lost.
 */
export class ReturnAnnotationWatcher implements Loop {
  /** Its older name, which metrics and logs keep: see `Loop`. */
  readonly name = "return-marker";
  readonly #dependencies: Dependencies;
  readonly #lane: Lane;
  /** By returned machine that has a pod, when that was first seen, on the monotonic clock. */
  readonly #sinceMs = new Map<string, number>();
  /** Of these, the ones that nothing is left to do for. */
  readonly #marked = new Set<string>();
  /** Of the pods and of the returns that were taken in. */
  #revisions = "";
  #refusedUntilMs = -Infinity;
  readonly #complaints = new Complaints((machine, error) => {
    log.warn("Return not noted on its pod: it is known only here", { machine, error });
  });

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies;
    const concurrency = Math.min(CONCURRENCY, dependencies.concurrency);
    this.#lane = dependencies.limiter.lane(concurrency);
  }

  async step(signal: AbortSignal): Promise<Outcome> {
    const { clock, returns } = this.#dependencies;
    const now = clock.monotonic();
    returns.refresh(clock.now());
    const due = this.#due(now);
    const queue = due.size > 0 && now >= this.#refusedUntilMs ? [...returns.requestsOf(due)] : [];
    while (queue.length > 0 && this.#lane.free > 0 && !signal.aborted) {
      for (const [machine, id] of queue.splice(0, this.#lane.free)) {
        this.#lane.start(() => this.#mark(machine, id));
      }
      await this.#lane.drained();
    }
    return { kind: "again", atMs: clock.monotonic() + LOOK_EVERY_MS };
  }

  /** Resolves once no call is under way. */
  drained(): Promise<void> {
    return this.#lane.drained();
  }

  /** Returned machines whose pods have stayed for long enough, and that are not marked yet. */
  #due(now: number): Set<string> {
    this.#takeIn(now);
    const staysMs = STAYS_MS + STAYS_MS_PER_POD * this.#sinceMs.size;
    const due = new Set<string>();
    for (const [machine, sinceMs] of this.#sinceMs) {
      if (now >= sinceMs + staysMs && !this.#marked.has(machine)) due.add(machine);
    }
    return due;
  }

  /** Takes in which returned machines have pods. */
  #takeIn(now: number): void {
    const { clock, returns, podNames } = this.#dependencies;
    podNames.refresh(clock.now());
    const revisions = `${podNames.revision} ${returns.revision}`;
    if (revisions === this.#revisions) return;
    this.#revisions = revisions;
    for (const machine of this.#sinceMs.keys()) {
      if (podNames.all.has(machine) && returns.has(machine)) continue;
      this.#sinceMs.delete(machine);
      this.#marked.delete(machine);
    }
    for (const machine of podNames.all) {
      if (returns.has(machine) && !this.#sinceMs.has(machine)) this.#sinceMs.set(machine, now);
    }
  }

  async #mark(machine: string, id: string): Promise<void> {
    const { workdir, kube, clock, identity, signal } = this.#dependencies;
    try {
      const uid = readPodFacts(workdir, machine)?.uid;
      if (uid === undefined) return;
      const signature = signatureOf({ id, uid, key: identity.key });
      const memory: ReturnMemory = { id, requestedAt: readReturnRecord(workdir, id)?.requestedAt, signature };
      await kube.annotatePod(machine, { uid, annotations: { [RETURN_ANNOTATION]: JSON.stringify(memory) }, signal });
      this.#lane.succeeded();
      this.#marked.add(machine);
    } catch (error) {
      if (signal.aborted) return;
      this.#lane.failed(error);
      const kind = error instanceof KubeError ? error.kind : undefined;
      if (kind === "unauthorised") this.#refusedUntilMs = clock.monotonic() + REFUSED_MS;
      else if (isClusterTrouble(error)) return;
      else if (kind !== undefined) this.#marked.add(machine); // Its pod is gone, or may not be changed: it is let be.
      if (kind === "notFound" || kind === "conflict") return;
      this.#complaints.note(machine, error);
    }
  }
}
