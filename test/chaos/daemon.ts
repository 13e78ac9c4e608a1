import type { Running } from "../support/process.ts";
import type { Site } from "../support/site.ts";

/** A pod that never starts is given up on after so many seconds: sooner than a run ends. */
const POD_TIMEOUT_SECONDS = 45;

/** It gives calls under way eight seconds; the rest is for a machine that is busy. */
const STOP_MS = 20_000;

/** `serve`, as a supervisor keeps it: there is one, but for the moments in which somebody ends it. */
export class Daemon {
  readonly #site: Site;
  readonly #violation: (text: string) => void;
  #running: Running | undefined;
  starts = 0;

  constructor(site: Site, options: { violation: (text: string) => void }) {
    this.#site = site;
    this.#violation = options.violation;
  }

  start(): void {
    if (this.#running?.isAlive) return;
    this.#sayIfEnded();
    this.starts++;
    this.#running = this.#serve();
  }

  /** True where it runs, or where nobody has started it; one that ended by itself is a violation. */
  check(): void {
    if (this.#running && !this.#running.isAlive) {
      this.#sayIfEnded();
      this.start();
    }
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (signal === "SIGKILL") return await running?.kill();
    const startedMs = performance.now();
    // Before it has begun it does not know better than to die of it.
    const hasBegun = running?.stderr.includes("Watching");
    const code = await running?.stop();
    if (hasBegun && code !== 0) this.#violation(`serve ended with ${code} when it was told to stop`);
    if (performance.now() - startedMs > STOP_MS) this.#violation(`serve took longer than ${STOP_MS} ms to stop`);
  }

  async replace(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    await this.end(signal);
    this.start();
  }

  async replaceTwice(): Promise<void> {
    await this.replace("SIGKILL");
    await this.replace("SIGKILL");
  }

  /** A second one on the same work directory has to give way, unless the first one is away. */
  async startSecond(): Promise<void> {
    const first = this.#running;
    if (!first?.stderr.includes("Watching")) return;
    const code = await this.#serve().ended();
    if (code !== 3) this.#violation(`a second serve ended with ${code}, not 3`);
  }

  /** What all of them have said. */
  get log(): string {
    return this.#site.log;
  }

  #serve(): Running {
    return this.#site.serve("--pod-timeout", String(POD_TIMEOUT_SECONDS), "--image-pull-grace", "5");
  }

  #sayIfEnded(): void {
    if (this.#running && !this.#running.isAlive) {
      this.#violation(`serve ended by itself: ${this.#running.stderr.split("\n").slice(-5).join("\n")}`);
    }
  }
}
