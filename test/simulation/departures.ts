/** The nodes of which somebody says that they go, and when that was last said, as it really is. */
export class Departures {
  readonly #byNode = new Map<string, { times: number; endedMs: number }>();

  readonly #evicted = new Map<string, number>();

  /** A pod is evicted from a node. */
  noteEviction(node: string | undefined): void {
    if (node !== undefined) this.#evicted.set(node, this.evictedFrom(node) + 1);
  }

  /** How many pods were evicted from a node. */
  evictedFrom(node: string): number {
    return this.#evicted.get(node) ?? 0;
  }

  /** Somebody begins to say so. */
  begin(node: string): void {
    const { times = 0 } = this.#byNode.get(node) ?? {};
    this.#byNode.set(node, { times: times + 1, endedMs: Infinity });
  }

  /** Somebody who said so takes it back. */
  end(node: string, nowMs: number): void {
    const { times = 1 } = this.#byNode.get(node) ?? {};
    this.#byNode.set(node, { times: times - 1, endedMs: times > 1 ? Infinity : nowMs });
  }

  /** The cluster is put back to an earlier state, in which what was taken back may be said again. */
  putBack(): void {
    for (const said of this.#byNode.values()) said.endedMs = Infinity;
  }

  /** When it was last said, in milliseconds of the monotonic clock: infinity while it is, and less than that where it never was. */
  lastSaidMs(node: string | undefined): number {
    if (this.evictedFrom(node ?? "") > 1) return Infinity; // One that takes no more pods is drained then.
    return this.#byNode.get(node ?? "")?.endedMs ?? -Infinity;
  }
}
