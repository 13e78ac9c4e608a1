import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Random } from "../random.ts";
import type { Workdir } from "../workdir/workdir.ts";

/** What a provider verb stands on: files and a clock. No network. */
export interface Provider {
  config: Config;
  workdir: Workdir;
  clock: Clock;
  random: Random;
}
