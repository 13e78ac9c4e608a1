/** The resource versions of a whole cluster: one number that grows with every change of anything. */
export class Revisions {
  /** Begins as in a cluster that has been up for a while, so that low resource versions are too old from the start. */
  #current = 1000;

  get current(): number {
    return this.#current;
  }

  next(): number {
    return ++this.#current;
  }

  /** Goes back to an earlier revision, so that later ones are used a second time. */
  putBack(revision: number): void {
    this.#current = revision;
  }
}
