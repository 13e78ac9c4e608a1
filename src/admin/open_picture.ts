import { Budget } from "../budget.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import { describeError, HostFactoryError } from "../errors.ts";
import { type Files, ifThere } from "../files.ts";
import type { Random } from "../random.ts";
import { readCatalogue } from "../templates/catalogue.ts";
import { Workdir } from "../workdir/store/workdir.ts";
import { type PictureOptions, PictureTaker } from "./picture.ts";

/** What a command that only reads needs. */
export interface ReadAccess {
  config: Config;
  workdir: Workdir;
  files: Files;
  clock: Clock;
}

/**
 * The work directory that the configuration names, for reading.
 * @param options `mayLack`: it need not exist yet (false)
 * @throws HostFactoryError if it cannot be trusted, or does not exist: an empty answer would be mistaken for the truth
 */
export function openForReading(
  config: Config,
  world: { files: Files; clock: Clock; random: Random },
  { mayLack = false }: { mayLack?: boolean } = {},
): ReadAccess {
  const workdir = new Workdir(config.workdir, { ...world, isShared: config.sharedWorkdir });
  checkAsReader(workdir);
  if (!mayLack) checkIsThere(config, world);
  return { config, workdir, files: world.files, clock: world.clock };
}

/** @throws HostFactoryError if the work directory that the configuration names does not exist */
export function checkIsThere({ workdir }: Config, { files }: { files: Files }): void {
  if (ifThere(() => files.info(workdir)) !== undefined) return;
  throw new HostFactoryError(`There is no work directory '${workdir}'`, {
    hint: "name it with --workdir or HF_K8S_WORKDIR; 'hostfactory serve' and the verbs make it",
  });
}

function checkAsReader(workdir: Workdir): void {
  try {
    workdir.check({ reads: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    throw new HostFactoryError(`Cannot read the work directory: ${describeError(error)}`, {
      cause: error,
      hint: "run this as the user of serve",
    });
  }
}

/** A budget for a process that has nothing else to do: no rests. */
export function commandBudget(clock: Clock): Budget {
  return new Budget(clock, { restPerTurn: 0 });
}

/** The options of pictures that follow from the configuration. */
export function pictureOptions({ config: { confdir, onPartialFailure }, files, clock }: ReadAccess): PictureOptions {
  const templates = confdir === undefined ? {} : { templates: () => readCatalogue(files, confdir).templates };
  return { clock, onPartialFailure, ...templates };
}

/** Takes pictures of the grid for a command. @param options `budget`: default: `commandBudget` */
export function openPicture(
  access: ReadAccess,
  options: Pick<PictureOptions, "everything" | "isBrief" | "isOnly" | "only" | "budget"> = {},
): PictureTaker {
  const budget = commandBudget(access.clock);
  return new PictureTaker(access.workdir, { ...pictureOptions(access), budget, ...options });
}
