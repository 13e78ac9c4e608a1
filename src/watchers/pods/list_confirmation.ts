/** Why lists are in doubt. */
export const RESTORED = "etcd was restored under a running API server, which lists what is lost";

/**
 * Whether lists are to be believed. Once etcd was restored under an API server that runs on, they are not, until one of them
 * names no pod that is gone when it is asked for by its name.
 */
export class ListConfirmation {
  #restores = 0;
  #state: "believed" | "doubted" | "asking" = "believed";
  #isRefuted = false;

  get isDoubted(): boolean {
    return this.#state !== "believed";
  }

  /** Takes in how often etcd was restored. @returns true if lists are in doubt from now on, and were not before */
  look(restores: number): boolean {
    const isNew = restores > this.#restores;
    this.#restores = restores;
    if (!isNew || this.isDoubted) return false;
    this.#state = "doubted";
    return true;
  }

  /** Takes in that there is a new list. @returns true if all that it names is to be asked for */
  listed(): boolean {
    if (!this.isDoubted) return false;
    this.#state = "asking";
    this.#isRefuted = false;
    return true;
  }

  /** Takes in that a pod which is listed is gone. */
  refute(): void {
    this.#isRefuted = true;
  }

  /** Takes in that everything has been asked for. */
  asked(): void {
    if (this.#state === "asking") this.#state = this.#isRefuted ? "doubted" : "believed";
  }
}
