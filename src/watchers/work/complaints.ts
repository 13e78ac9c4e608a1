import { describeError } from "../../errors.ts";

/** Complaints that are remembered, so as not to be repeated. */
const REMEMBERED = 1_000;

/** Says of each thing once what is wrong with it, and again where that changes. */
export class Complaints {
  readonly #tell: (name: string, error: string) => void;
  readonly #told = new Set<string>();

  constructor(tell: (name: string, error: string) => void) {
    this.#tell = tell;
  }

  note(name: string, thrown: unknown): void {
    const error = describeError(thrown);
    const complaint = `${name}: ${error}`;
    if (this.#told.has(complaint)) return;
    if (this.#told.size >= REMEMBERED) this.#told.clear();
    this.#told.add(complaint);
    this.#tell(name, error);
  }

  /** Forgets what was said: all is well again. */
  clear(): void {
    this.#told.clear();
  }
}
