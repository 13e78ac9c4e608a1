/**
 * Notices that etcd was restored from a snapshot under an API server that runs on: what is stored gets earlier versions than
 * before, while lists go on showing the lost state at its own (measured, Kubernetes 1.36).
 */
export class StoredVersions {
  /** The latest version at which pods were shown or stored, and at which the lease was stored. */
  #pods = 0;
  #lease = 0;
  #restores = 0;

  /** How often that was noticed. */
  get restores(): number {
    return this.#restores;
  }

  /** The latest version of pods so far: one that is created after this moment gets a later one. */
  get ofPods(): number {
    return this.#pods;
  }

  /** The same of the lease. */
  get ofLease(): number {
    return this.#lease;
  }

  /** Takes in the version of a created pod. @param before what `ofPods` was when the call was begun */
  createdPod(version: string | undefined, before: number): void {
    const stored = Number(version);
    if (stored < before) this.#restores++;
    if (stored > this.#pods || stored < before) this.#pods = stored;
  }

  /** Takes in the version of a stored lease. @param before what `ofLease` was when the call was begun */
  storedLease(version: string | undefined, before: number): void {
    const stored = Number(version);
    // If no pod has changed since the snapshot, no list shows anything that is lost.
    if (stored < before && stored < this.#pods) this.#restores++;
    if (stored > this.#lease || stored < before) this.#lease = stored;
  }

  /** Takes in the version of what a watch shows. */
  sawPod(version: string | undefined): void {
    if (Number(version) > this.#pods) this.#pods = Number(version);
  }

  /** Takes in the version of a LIST: a server that lists an earlier state than before shows nothing that is lost. */
  listedPods(version: string): void {
    this.#pods = Number(version);
  }
}
