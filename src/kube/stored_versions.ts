/**
 * Notices that etcd was restored from a snapshot while the API server kept running: objects that are stored then get
 * lower versions than before, while lists still show the lost state at its own version (measured, Kubernetes 1.36).
 */
export class StoredVersions {
  /** The latest versions at which pods were seen or stored, and at which the lease was stored. */
  #pods = 0;
  #lease = 0;
  #restores = 0;

  /** How often that was noticed. */
  get restores(): number {
    return this.#restores;
  }

  /** The latest version of pods so far; a pod that is created from now on gets a later one. */
  get ofPods(): number {
    return this.#pods;
  }

  /** The same of the lease. */
  get ofLease(): number {
    return this.#lease;
  }

  /** Records the version of a created pod. @param before what `ofPods` was when the call was begun */
  createdPod(version: string | undefined, before: number): void {
    const stored = Number(version);
    if (stored < before) this.#restores++;
    if (stored > this.#pods || stored < before) this.#pods = stored;
  }

  /** Records the version of a stored lease. @param before what `ofLease` was when the call was begun */
  storedLease(version: string | undefined, before: number): void {
    const stored = Number(version);
    // If no pod has changed since the snapshot, no list shows anything that is lost.
    if (stored < before && stored < this.#pods) this.#restores++;
    if (stored > this.#lease || stored < before) this.#lease = stored;
  }

  /** Records the version of a pod that a watch shows. */
  sawPod(version: string | undefined): void {
    if (Number(version) > this.#pods) this.#pods = Number(version);
  }

  /** Records the version of a LIST: a server that lists an earlier state than before shows nothing that is lost. */
  listedPods(version: string): void {
    this.#pods = Number(version);
  }
}
