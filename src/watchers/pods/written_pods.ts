import type { Pod } from "../../kube/types.ts";
import type { PodFacts } from "../../machine/pod_facts.ts";
import { readState } from "../../workdir/machines.ts";
import { readPodFacts } from "../../workdir/pod_file.ts";
import { stateOfObservation } from "./observations.ts";
import { isTerminal } from "../../machine/terminal.ts";
import { hasEnded, phaseOf } from "../../machine/readiness.ts";
import type { Dependencies } from "../dependencies.ts";

/** Pods whose files are looked for in one go: with a look each second, those of 10,000 within a minute. */
const FILES_PER_LOOK = 200;

/** As much of a pod as tells whether another look at it says anything new. */
export interface WrittenPod {
  uid: string | undefined;
  resourceVersion: string | undefined;
  /** As the machine's state has it: see `phaseOf`. */
  phase: string;
  podIP: string | undefined;
  /** It is being deleted. */
  isGoing: boolean;
  nodeName: string | undefined;
}

export function writtenPod(pod: Pod): WrittenPod {
  const { uid, resourceVersion, deletionTimestamp } = pod.metadata;
  const isGoing = deletionTimestamp !== undefined;
  return { uid, resourceVersion, phase: phaseOf(pod), podIP: pod.status?.podIP, isGoing, nodeName: pod.spec.nodeName };
}

/** Once etcd was put back, versions are given out a second time: another pod, or another state, may have the same one. */
function isSame(known: WrittenPod, now: WrittenPod): boolean {
  return (Object.keys(now) as (keyof WrittenPod)[]).every((key) => known[key] === now[key]);
}

/** The pods that are followed, by machine, as they are written down. */
export class WrittenPods {
  readonly #dependencies: Dependencies;
  readonly #pods = new Map<string, WrittenPod>();
  /** The machines whose files are still to be looked for in this round. */
  #left: Iterator<string> = this.#pods.keys();
  /** What is written down says nothing, whatever its resource version: versions are given out a second time. */
  #isOutdated = false;

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies;
  }

  get size(): number {
    return this.#pods.size;
  }

  get machines(): Iterable<string> {
    return this.#pods.keys();
  }

  get(machine: string): WrittenPod | undefined {
    return this.#pods.get(machine);
  }

  set(machine: string, pod: Pod): void {
    this.#pods.set(machine, writtenPod(pod));
  }

  delete(machine: string): void {
    this.#pods.delete(machine);
  }

  /** The cluster was put back to an earlier state: nothing counts as written before `renewed` is called. */
  outdate(): void {
    this.#isOutdated = true;
    this.#pods.clear();
  }

  get isOutdated(): boolean {
    return this.#isOutdated;
  }

  renewed(): void {
    this.#isOutdated = false;
  }

  machinesOn(node: string): string[] {
    return [...this.#pods].flatMap(([machine, { nodeName }]) => nodeName === node ? [machine] : []);
  }

  /** True if the work directory says all that this pod can tell: nothing of it needs to be kept in memory. */
  has(machine: string, pod: Pod): boolean {
    const { resourceVersion } = pod.metadata;
    if (resourceVersion === undefined || this.#isOutdated) return false;
    const { workdir } = this.#dependencies;
    try {
      const before = readState(workdir, machine);
      const known = this.#pods.get(machine);
      if (known) {
        const isNoted = (before !== "failed" && before !== "succeeded") ||
          workdir.kind(workdir.layout.machine(machine)) === "file";
        return before !== undefined && isNoted && isSame(known, writtenPod(pod)) &&
          workdir.kind(workdir.layout.pod(machine)) === "file" &&
          !(hasEnded(pod) && this.#lacksEnd(readPodFacts(workdir, machine)));
      }
      const facts = readPodFacts(workdir, machine);
      if (facts?.resourceVersion !== resourceVersion || (hasEnded(pod) && this.#lacksEnd(facts))) return false;
      const { state, tombstone } = stateOfObservation(this.#dependencies, machine, { pod });
      if (tombstone || before !== state) return false;
    } catch {
      return false; // What cannot be read is written again, and if that cannot be done either, it is said why.
    }
    this.set(machine, pod);
    return true;
  }

  /** True if the file of a pod that has ended lacks the time of its end, or has one in the future, and the time can be known now. */
  #lacksEnd({ endedAt = Infinity }: Partial<PodFacts> = {}): boolean {
    const now = this.#dependencies.kube.now();
    return now !== undefined && endedAt * 1000 > now;
  }

  /** Looks for the files of some, of others with each call. That of a machine that is over may have gone before it. */
  haveFiles(): boolean {
    const { workdir } = this.#dependencies;
    for (let n = 0; n < FILES_PER_LOOK; n++) {
      const { value: machine, done } = this.#left.next();
      if (done) {
        this.#left = this.#pods.keys();
        break;
      }
      if (workdir.kind(workdir.layout.pod(machine)) !== undefined) continue;
      const state = readState(workdir, machine);
      if (!isTerminal(state)) return false;
    }
    return true;
  }
}
