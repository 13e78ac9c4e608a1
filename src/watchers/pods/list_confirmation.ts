/** Why lists are in doubt. */
export const RESTORED = "etcd was restored under a running API server, which lists what is lost";

/**
 * Whether lists are to be believed. Once etcd was restored under an API server that runs on, they are not, until one of them
 * names no pod that is gone when it is asked for by its name. One whose deletion the watch shows was there when it was listed.
 */
export class ListConfirmation {
  #restores = 0;
  #state: "believed" | "doubted" | "asking" | "asked" = "believed";
  /** What the last list names, and is gone. */
  readonly #refuted = new Set<string>();

  get isDoubted(): boolean {
    return this.#state !== "believed";
  }

  /** Takes in how often etcd was restored. @returns true if lists are in doubt from now on, and were not before */
  look(restores: number): boolean {
    if (restores <= this.#restores) return false;
    this.#restores = restores;
    const isNew = !this.isDoubted;
    this.#state = "doubted";
    return isNew;
  }

  /** Takes in that there is a new list. @returns true if all that it names is to be asked for */
  listed(): boolean {
    if (!this.isDoubted) return false;
    this.#state = "asking";
    this.#refuted.clear();
    return true;
  }

  /** Takes in that a machine's pod which is listed is gone. */
  refute(machine: string): void {
    this.#refuted.add(machine);
  }

  /** Takes in that the watch shows how a machine's pod was deleted. */
  sawGone(machine: string): void {
    if (this.#refuted.delete(machine)) this.#decide();
  }

  /** Takes in that everything has been asked for. */
  asked(): void {
    if (this.#state !== "asking") return;
    this.#state = "asked";
    this.#decide();
  }

  #decide(): void {
    if (this.#state === "asked" && this.#refuted.size === 0) this.#state = "believed";
  }
}
