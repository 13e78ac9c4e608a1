import type { GlobalOptions } from "../config.ts";

/** A command to try next, as it has to be typed here: for the same work directory, if the command line named one. */
export function proposed(command: string, { workdir }: Pick<GlobalOptions, "workdir">): string {
  const isOurs = command.startsWith("hostfactory ") && !command.includes(" --workdir ");
  return isOurs && workdir !== undefined ? `${command} --workdir ${workdir}` : command;
}
