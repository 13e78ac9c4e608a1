/**
 * Notices that etcd was restored from a snapshot under an API server that runs on: what is stored gets earlier versions than
 * before, while lists go on showing the lost state at its own (measured, Kubernetes 1.36).
 */
export class StoredVersions {
  /** The latest version that was given for each kind of object; only versions of one kind can be compared. */
  readonly #latest = new Map<string, number>();
  #isBehind = false;

  /** True from when something was stored at an earlier version until lists go back as well. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** The latest version of a kind so far: what is stored after this moment gets a later one. */
  latest(kind: string): number {
    return this.#latest.get(kind) ?? 0;
  }

  /** Takes in the version that something was stored at. @param before what `latest` was when the call was begun */
  stored(kind: string, version: string | undefined, before: number): void {
    const number = Number(version);
    if (Number.isFinite(number) && number < before) this.#isBehind = true;
    else this.#raise(kind, number);
  }

  /** Takes in the version of a LIST. */
  listed(kind: string, version: string): void {
    const number = Number(version);
    if (number < this.latest(kind)) {
      this.#isBehind = false;
      this.#latest.clear();
    }
    this.#raise(kind, number);
  }

  #raise(kind: string, version: number): void {
    if (version > this.latest(kind)) this.#latest.set(kind, version);
  }
}
