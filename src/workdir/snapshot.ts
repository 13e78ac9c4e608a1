import type { MachineState } from "../hf/status.ts";
import type { PodFacts } from "../machine/pod_facts.ts";
import type { MachineSnapshot } from "../machine/snapshot.ts";
import type { Tombstone } from "../machine/tombstone.ts";
import { readState, readTombstone } from "./machines.ts";
import { readPodFacts } from "./pod_file.ts";
import { readMachineEntry } from "./requests.ts";
import type { Workdir } from "./store/workdir.ts";

interface SnapshotOptions {
  /** Tells whether Symphony has given a machine back. */
  isReturned: (machine: string) => boolean;
  /** Its entry in its request, if the request has been read already. */
  entry?: "pending" | "created";
  /** False if it is known that it has no pod file. Default: that is looked for. */
  hasPodFile?: boolean;
}

/**
 * A machine as the work directory has it now. Each fact is read when it is first asked for, and once: take another snapshot to
 * see what has changed since. What cannot be read throws where it is asked for.
 */
export function readMachine(workdir: Workdir, name: string, options: SnapshotOptions): MachineSnapshot {
  return new StoredMachine(workdir, name, options);
}

class StoredMachine implements MachineSnapshot {
  readonly name: string;
  readonly #workdir: Workdir;
  readonly #options: SnapshotOptions;
  #entry: { read: "pending" | "created" | undefined } | undefined;
  #state: { read: MachineState | undefined } | undefined;
  #pod: { read: PodFacts | undefined } | undefined;
  #tombstone: { read: Tombstone | undefined } | undefined;

  constructor(workdir: Workdir, name: string, options: SnapshotOptions) {
    this.name = name;
    this.#workdir = workdir;
    this.#options = options;
  }

  get entry(): "pending" | "created" | undefined {
    return (this.#entry ??= { read: this.#options.entry ?? readMachineEntry(this.#workdir, this.name) }).read;
  }

  get state(): MachineState | undefined {
    return (this.#state ??= { read: readState(this.#workdir, this.name) }).read;
  }

  get pod(): PodFacts | undefined {
    const isAbsent = this.#options.hasPodFile === false;
    return (this.#pod ??= { read: isAbsent ? undefined : readPodFacts(this.#workdir, this.name) }).read;
  }

  get hasPodFile(): boolean {
    if (this.#options.hasPodFile !== undefined) return this.#options.hasPodFile;
    return this.#pod?.read !== undefined || this.#workdir.kind(this.#workdir.layout.pod(this.name)) !== undefined;
  }

  get tombstone(): Tombstone | undefined {
    return (this.#tombstone ??= { read: readTombstone(this.#workdir, this.name) }).read;
  }

  get returned(): boolean {
    return this.#options.isReturned(this.name);
  }
}
