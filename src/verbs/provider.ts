import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Files } from "../files.ts";
import type { Random } from "../random.ts";
import { Workdir } from "../workdir/workdir.ts";

/** What a provider verb stands on: files and a clock. No network. */
export interface Provider {
  config: Config;
  workdir: Workdir;
  /** All other files: the work directory has its own. */
  files: Files;
  clock: Clock;
  random: Random;
}

/** The work directory that the configuration names; a verb that writes makes it where there is none. */
export function openProvider(config: Config, world: { files: Files; clock: Clock; random: Random }): Provider {
  return { config, ...world, workdir: new Workdir(config.workdir, { ...world, isShared: config.sharedWorkdir }) };
}
