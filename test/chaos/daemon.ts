import type { Running } from "../support/process.ts";
import type { Site } from "../support/site.ts";

/** A pod that never starts is given up on after so many seconds: sooner than a run ends. */
const POD_TIMEOUT_SECONDS = 45;

const options = ["--pod-timeout", String(POD_TIMEOUT_SECONDS), "--image-pull-grace", "5"];

/** It gives calls under way eight seconds; the rest is for a machine that is busy. */
const STOP_MS = 20_000;

/** What it says once it has begun. */
const BEGUN = /Watching|Standby: nothing is changed/;

/** `serve`, as a supervisor keeps it: there is one, but for the moments in which somebody ends it. */
export class Daemon {
  readonly #site: Site;
  readonly #violation: (text: string) => void;
  #running: Running | undefined;
  #elsewhere: Site | undefined;
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

  /** True where it runs, or where no one has started it; one that ended by itself is a violation. */
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
    if (running) await this.#stop(running);
    if (performance.now() - startedMs > STOP_MS) this.#violation(`serve took longer than ${STOP_MS} ms to stop`);
  }

  /** Before it has begun it does not know better than to die of it. */
  async #stop(running: Running): Promise<void> {
    const hasBegun = BEGUN.test(running.stderr);
    const code = await running.stop();
    if (hasBegun && code !== 0) this.#violation(`serve ended with ${code} when it was told to stop`);
  }

  async replace(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    await this.end(signal);
    this.start();
  }

  async replaceTwice(): Promise<void> {
    await this.replace("SIGKILL");
    await this.replace("SIGKILL");
  }

  /** A second one on the same work directory is a standby, unless the first one is away. */
  async startSecond(): Promise<void> {
    const second = await this.#standby();
    await this.#stop(second);
  }

  /** The first one is killed, and its standby is the one from then on. */
  async takeOver(): Promise<void> {
    const next = await this.#standby();
    await this.end("SIGKILL");
    this.#running = next;
    this.starts++;
  }

  /** One on another work directory, as the other host of a pair has it. @returns ends it */
  startElsewhere(): () => Promise<void> {
    const other = this.#elsewhere ??= this.#site.beside();
    const running = other.serve("--kubeconfig", `${this.#site.directory}/kubeconfig`, ...options);
    return () => this.#stop(running);
  }

  /** What all of them have said. */
  get log(): string {
    return this.#site.log;
  }

  #serve(): Running {
    return this.#site.serve(...options);
  }

  async #standby(): Promise<Running> {
    const standby = this.#serve();
    await standby.says(BEGUN);
    return standby;
  }

  #sayIfEnded(): void {
    if (this.#running && !this.#running.isAlive) {
      this.#violation(`serve ended by itself: ${this.#running.stderr.split("\n").slice(-5).join("\n")}`);
    }
  }
}
