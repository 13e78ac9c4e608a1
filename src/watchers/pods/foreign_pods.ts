import type { Pod } from "../../kube/types.ts";
import { isForeign, type Owner } from "../work/ownership.ts";

/** Whether there are pods of our instance that another work directory has made: of its requests and machines nothing is known here. */
export class ForeignPods {
  readonly #owner: Owner;
  #isListed = false;
  #areThere = false;

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  /** True if some were seen in the last LIST, or since. */
  get areThere(): boolean {
    return this.#areThere;
  }

  /** A LIST begins. */
  begin(): void {
    this.#isListed = false;
  }

  /** Takes in a pod that is not ours, and that a LIST or the watch shows. */
  saw(pod: Pod): void {
    this.#isListed ||= isForeign(pod, this.#owner);
    this.#areThere ||= this.#isListed;
  }

  /** A LIST is finished. */
  complete(): void {
    this.#areThere = this.#isListed;
  }
}
