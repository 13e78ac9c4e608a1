/** The nodes of which somebody says that they go, and when that was last said, as it really is. */
export class Departures {
  readonly #byNode = new Map<string, { times: number; endedMs: number }>();

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

  /** When it was last said, in milliseconds of the monotonic clock: infinity while it is, and less than that where it never was. */
  lastSaidMs(node: string | undefined): number {
    return this.#byNode.get(node ?? "")?.endedMs ?? -Infinity;
  }
}
