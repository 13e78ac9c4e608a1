import { Budget } from "../budget.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Files } from "../files.ts";
import type { Random } from "../random.ts";
import { readCatalogue } from "../templates/catalogue.ts";
import { Workdir } from "../workdir/store/workdir.ts";
import { type PictureOptions, PictureTaker } from "./picture.ts";

/** What a command needs that only reads. */
export interface Reader {
  config: Config;
  workdir: Workdir;
  files: Files;
  clock: Clock;
}

/** The work directory that the configuration names, for reading. @throws HostFactoryError if it is not to be trusted */
export function openReader(config: Config, world: { files: Files; clock: Clock; random: Random }): Reader {
  const workdir = new Workdir(config.workdir, { ...world, isShared: config.sharedWorkdir });
  workdir.check({ reads: true });
  return { config, workdir, files: world.files, clock: world.clock };
}

/** A budget for a process that has nothing else to do: no rests. */
export function commandBudget(clock: Clock): Budget {
  return new Budget(clock, { restPerTurn: 0 });
}

/** Takes pictures of the grid for a command. @param options `budget`: default: that of a process with nothing else to do */
export function openPicture(
  { config, workdir, files, clock }: Reader,
  options: Pick<PictureOptions, "everything" | "isBrief" | "isOnly" | "only" | "budget"> = {},
): PictureTaker {
  const { confdir, onPartialFailure } = config;
  const templates = confdir === undefined ? {} : { templates: () => readCatalogue(files, confdir).templates };
  const budget = commandBudget(clock);
  return new PictureTaker(workdir, { clock, onPartialFailure, ...templates, budget, ...options });
}
