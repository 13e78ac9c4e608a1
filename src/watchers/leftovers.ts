import { logger } from "../log.ts";
import type { Loop, Outcome } from "./outcome.ts";
import type { Watching } from "./watching.ts";

/** How old, in milliseconds, a hidden name must be to belong to nobody: a verb that makes one lives for seconds at most. */
const OLD_MS = 10 * 60_000;

/** How often, in milliseconds, directories are looked over. */
const LOOK_EVERY_MS = 10 * 60_000;

const log = logger("leftovers");

/** Removes what a process that was killed half-way left under a hidden name. */
export class LeftoversSweeper implements Loop {
  readonly name = "leftovers";
  readonly #watching: Pick<Watching, "workdir" | "clock">;

  constructor(watching: Pick<Watching, "workdir" | "clock">) {
    this.#watching = watching;
  }

  step(_signal: AbortSignal): Promise<Outcome> {
    const { workdir, clock } = this.#watching;
    const { requests, returnRequests, pods, podsStatus, machines, views, locks } = workdir.layout;
    for (const directory of [requests, returnRequests, pods, podsStatus, machines, views, locks]) {
      this.#sweep(directory);
    }
    return Promise.resolve({ kind: "again", atMs: clock.monotonic() + LOOK_EVERY_MS });
  }

  #sweep(directory: string): void {
    const { workdir: { files }, clock } = this.#watching;
    for (const { name } of files.list(directory)) {
      const path = `${directory}/${name}`;
      if (!name.startsWith(".new-") || clock.now() - files.info(path).modifiedMs < OLD_MS) continue;
      files.removeTree(path);
      log.info("Removed what a killed process left", { path });
    }
  }
}
