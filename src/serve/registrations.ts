import { Registrations } from "../extensions/registrations.ts";
import { logger } from "../log.ts";
import type { Workdir } from "../workdir/store/workdir.ts";

const log = logger("extensions");

/** The registrations of this process, whose changes are logged. @param given `confdir`: absent: none by files */
export function openRegistrations(given: { workdir: Workdir; confdir?: string | undefined }): Registrations {
  const { workdir: { files }, confdir } = given;
  return new Registrations({
    files,
    confdir,
    tell({ severity, name, message }) {
      if (severity === "error") log.error(message, { extension: name });
      else if (severity === "warning") log.warn(message, { extension: name });
      else log.info(message, { extension: name });
    },
  });
}
