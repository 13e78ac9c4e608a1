import { HostFactoryError } from "../errors.ts";
import { isRequestId, parseMachineName } from "../hf/names.ts";
import { isTerminal } from "../machine/terminal.ts";
import type { Admit, ClusterPlace } from "../kube/cluster_place.ts";
import { KubeError } from "../kube/errors.ts";
import { logger } from "../log.ts";
import {
  clusterFingerprint,
  describeCluster,
  isSameCluster,
  mergeCluster,
  readCluster,
  writeCluster,
} from "../workdir/cluster.ts";
import { readFinishedNote } from "../workdir/finished_note.ts";
import { readState } from "../workdir/machines.ts";
import { readPodFacts } from "../workdir/pod_file.ts";
import { readRequest } from "../workdir/requests.ts";
import { readReturn } from "../workdir/returns.ts";
import type { Workdir } from "../workdir/store/workdir.ts";

/** Machines that are asked for to find out whether a cluster is theirs. */
const MACHINES_ASKED = 50;

/** The uid of a pod there; nothing if there is none. */
type UidOf = (pod: string) => Promise<string | undefined>;

const log = logger("cluster");

/**
 * Keeps a work directory to one namespace of one cluster: the one that its machines are in. In any other, every one of them
 * would seem to be gone.
 */
export class ClusterGuard {
  readonly #workdir: Workdir;
  readonly #accepted: string | undefined;
  readonly #mayWrite: () => boolean;
  readonly #moved: () => void;
  readonly #isOnlooker: boolean;
  #refusal: string | undefined;
  /** What the work directory said: one that is emptied while we run does not forget it. */
  #known: ClusterPlace | undefined;

  /**
   * @param options `accepted`: the fingerprint of a cluster that is to be the directory's from now on; `mayWrite`: the
   * directory is ours to write to; `moved` is called when it belongs to another cluster than before; `isOnlooker`: nothing is
   * ever written
   */
  constructor(
    workdir: Workdir,
    options: { accepted?: string | undefined; mayWrite: () => boolean; moved?: () => void; isOnlooker?: boolean },
  ) {
    this.#workdir = workdir;
    this.#accepted = options.accepted;
    this.#mayWrite = options.mayWrite;
    this.#moved = options.moved ?? (() => {});
    this.#isOnlooker = options.isOnlooker ?? false;
  }

  /** Why the cluster that the credentials lead to is not used; `undefined` if it is. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  readonly admit: Admit = async (place, uidOf) => {
    const noted = readCluster(this.#workdir);
    const known = this.#known = noted ?? this.#known;
    const isAccepted = this.#accepted !== undefined && this.#accepted === clusterFingerprint(place);
    if (known && isSameCluster(known, place)) {
      const merged = mergeCluster(known, place);
      const isWritten = JSON.stringify(merged) === JSON.stringify(readCluster(this.#workdir));
      if (!isWritten && !this.#isOnlooker && this.#mayWrite()) await this.#write(merged);
    } else if (isAccepted || await this.#mayMove({ isNoted: noted !== undefined, uidOf })) {
      if (!this.#isOnlooker) await this.#settle(place, { isAnother: known !== undefined });
    } else {
      this.#refuse(known, place);
    }
    this.#refusal = undefined;
  };

  /** The work directory belongs to this cluster from now on. */
  async #settle(place: ClusterPlace, { isAnother }: { isAnother: boolean }): Promise<void> {
    if (isAnother) this.#moved();
    await this.#write(place);
    log.warn("The work directory belongs to this cluster from now on", { cluster: describeCluster(place) });
  }

  async #write(place: ClusterPlace): Promise<void> {
    try {
      await writeCluster(this.#workdir, place);
    } catch (error) {
      if (!(error instanceof HostFactoryError)) throw error;
      throw new KubeError("unavailable", error.message, { cause: error, ...(error.hint ? { hint: error.hint } : {}) });
    }
    this.#known = place;
  }

  /** A work directory that was emptied while we run has forgotten its machines: that it names none says nothing. */
  async #mayMove({ isNoted, uidOf }: { isNoted: boolean; uidOf: UidOf }): Promise<boolean> {
    if (isNoted) return this.#knowsNoMachine();
    return this.#known === undefined && await this.#holdsOurs(uidOf);
  }

  /** True if nothing can be lost: no machine has, or may have, a pod. */
  #knowsNoMachine(): boolean {
    const { layout } = this.#workdir;
    const ids = (directory: string) => this.#workdir.directories(directory).filter(isRequestId);
    return this.#machinesIn(layout.pods).length === 0 && this.#machinesIn(layout.podsStatus).every(this.#isOver) &&
      !ids(layout.requests).some((id) => this.#mayHavePods(id)) &&
      !ids(layout.returnRequests).some((id) => this.#mayWaitForPods(id));
  }

  readonly #isOver = (machine: string) => isTerminal(readState(this.#workdir, machine));

  /** True for a request that has not been handled, or of whose machines one has no terminal state: a power failure takes states. */
  #mayHavePods(id: string): boolean {
    try {
      if (readFinishedNote(this.#workdir, this.#workdir.layout.request(id))) return false;
      const request = readRequest(this.#workdir, id);
      return request !== undefined && !(request.processed && request.machines.every(({ name }) => this.#isOver(name)));
    } catch {
      return true; // What cannot be read may have.
    }
  }

  /** True for a return of machines that may have pods: on a host that takes over they may be known of it alone. */
  #mayWaitForPods(id: string): boolean {
    try {
      const request = readReturn(this.#workdir, id);
      const machines = request?.machines.filter((name) => parseMachineName(name)) ?? [];
      return !request?.processed && !machines.every(this.#isOver);
    } catch {
      return true;
    }
  }

  #machinesIn(directory: string): string[] {
    return this.#workdir.names(directory).filter((name) => parseMachineName(name));
  }

  /** True if some machine of whose pod the work directory knows is there, or it knows of no pod. */
  async #holdsOurs(uidOf: UidOf): Promise<boolean> {
    const machines = this.#machinesIn(this.#workdir.layout.pods).slice(0, MACHINES_ASKED);
    if (machines.length === 0) return true;
    const found = await Promise.all(machines.map(async (name) => {
      const uid = readPodFacts(this.#workdir, name)?.uid;
      return uid !== undefined && await uidOf(name) === uid;
    }));
    return found.includes(true);
  }

  /** @throws KubeError always */
  #refuse(known: ClusterPlace | undefined, place: ClusterPlace): never {
    const { root } = this.#workdir.layout;
    const found = describeCluster(place);
    const message = known
      ? `The credentials lead to ${found}, but the machines of '${root}' are in ${describeCluster(known)}`
      : `The credentials lead to ${found}, where none of the machines is that '${root}' knows`;
    const hint = "correct the context or --namespace; if the machines of before are to count as gone, pass " +
      `--accept-cluster ${clusterFingerprint(place)}`;
    if (this.#refusal !== message) log.error(message, { hint });
    this.#refusal = message;
    throw new KubeError("unavailable", message, { hint });
  }
}
