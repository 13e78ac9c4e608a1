import type { Clock } from "../clock.ts";
import { describeError } from "../errors.ts";
import { logger } from "../log.ts";
import type { Loop, Outcome } from "../watchers/loop.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import { type Part, PARTS } from "./declared.ts";

/** How often, in milliseconds, the work directory is measured. */
const MEASURE_EVERY_MS = 600_000;

/** Entries of the work directory itself that are measured, at most: there are some twenty. */
const MOST_ENTRIES = 500;

/** Finds out how many bytes of disk space each of these paths takes, with everything below it. @throws if that fails */
export type MeasureDisk = (paths: string[], signal: AbortSignal) => Promise<ReadonlyMap<string, number>>;

const log = logger("metrics");

/** Measures by `du`, which POSIX has: listing a directory of 100,000 files ourselves would stop the process for half a second. */
export const systemMeasureDisk: MeasureDisk = async (paths, signal) => {
  const args = ["-n", "19", "du", "-sk", "--", ...paths];
  const command = new Deno.Command("nice", { args, stdin: "null", stdout: "piped", stderr: "null", signal });
  const { stdout, code } = await command.output();
  const lines = new TextDecoder().decode(stdout).split("\n").flatMap((line) => {
    const [, kibibytes, path] = /^(\d+)\s+(.+)$/.exec(line) ?? [];
    return path === undefined ? [] : [[path, Number(kibibytes) * 1_024] as const];
  });
  // What vanishes meanwhile makes it fail, and all else is told.
  if (lines.length === 0) throw new Error(`du told nothing, with exit status ${code}`);
  return new Map(lines);
};

/** Measures every ten minutes how much disk space the work directory takes. */
export class DiskUsage implements Loop {
  readonly name = "disk-usage";
  readonly #workdir: Workdir;
  readonly #clock: Clock;
  readonly #measure: MeasureDisk;
  readonly #tell: (part: Part, bytes: number) => void;
  #underWay: Promise<void> | undefined;
  #hasFailed = false;

  constructor(
    workdir: Workdir,
    options: { clock: Clock; measure: MeasureDisk; tell: (part: Part, bytes: number) => void },
  ) {
    this.#workdir = workdir;
    this.#clock = options.clock;
    this.#measure = options.measure;
    this.#tell = options.tell;
  }

  step(signal: AbortSignal): Promise<Outcome> {
    this.#underWay ??= this.#measureParts(signal).finally(() => this.#underWay = undefined);
    return Promise.resolve({ kind: "again", atMs: this.#clock.monotonic() + MEASURE_EVERY_MS });
  }

  async drained(): Promise<void> {
    await this.#underWay;
  }

  async #measureParts(signal: AbortSignal): Promise<void> {
    const { root } = this.#workdir.layout;
    try {
      const paths = this.#workdir.names(root).slice(0, MOST_ENTRIES).map((name) => `${root}/${name}`);
      const sums = new Map<Part, number>(PARTS.map((part) => [part, 0]));
      for (const [path, bytes] of await this.#measure(paths, signal)) {
        const part = partOf(path.slice(root.length + 1));
        sums.set(part, (sums.get(part) ?? 0) + bytes);
      }
      for (const [part, bytes] of sums) this.#tell(part, bytes);
      this.#hasFailed = false;
    } catch (error) {
      if (signal.aborted) return;
      if (!this.#hasFailed) log.info("The work directory cannot be measured", { error: describeError(error) });
      this.#hasFailed = true;
    }
  }
}

function partOf(name: string): Part {
  return PARTS.find((part) => part === name) ?? (name.startsWith("events.") ? "databases" : "other");
}
