/** A machine that is to go. */
interface Returning {
  /** The uid of its pod, if that is known. */
  uid: string | undefined;
  /** The return requests that are not finished before it is gone. None if its pod showed up after they were. */
  requests: string[];
}

/** Machines that are to go, and the return requests that wait for them. */
export class ReturningMachines {
  readonly #machines = new Map<string, Returning>();
  /** By return request, how many of its machines are not gone yet. */
  readonly #left = new Map<string, number>();
  /** Return requests whose machines are all gone. */
  readonly #finished = new Set<string>();

  get size(): number {
    return this.#machines.size;
  }

  get names(): Iterable<string> {
    return this.#machines.keys();
  }

  has(machine: string): boolean {
    return this.#machines.has(machine);
  }

  /** True from when the return request is taken up until it is forgotten. */
  hasRequest(id: string): boolean {
    return this.#left.has(id);
  }

  /** Return requests whose machines are all gone, until they are forgotten. */
  get finished(): Iterable<string> {
    return this.#finished;
  }

  /** Takes up a return request. @param machines each once */
  addRequest(id: string, machines: string[]): void {
    this.#left.set(id, machines.length);
    if (machines.length === 0) this.#finished.add(id);
    for (const machine of machines) this.#add(machine).requests.push(id);
  }

  /** Takes up a machine that no return request waits for, unless it is there already. */
  add(machine: string): void {
    this.#add(machine);
  }

  uidOf(machine: string): string | undefined {
    return this.#machines.get(machine)?.uid;
  }

  /** Does nothing if the machine is not there. */
  setUid(machine: string, uid: string): void {
    const one = this.#machines.get(machine);
    if (one) one.uid = uid;
  }

  /** Takes in that the machine is gone. */
  remove(machine: string): void {
    const { requests = [] } = this.#machines.get(machine) ?? {};
    this.#machines.delete(machine);
    for (const id of requests) {
      const left = (this.#left.get(id) ?? 0) - 1;
      this.#left.set(id, left);
      if (left === 0) this.#finished.add(id);
    }
  }

  /** Forgets a return request that is finished. */
  forgetRequest(id: string): void {
    this.#left.delete(id);
    this.#finished.delete(id);
  }

  #add(machine: string): Returning {
    const known = this.#machines.get(machine);
    if (known) return known;
    const one: Returning = { uid: undefined, requests: [] };
    this.#machines.set(machine, one);
    return one;
  }
}
