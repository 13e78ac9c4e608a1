import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Files } from "../files.ts";
import type { Random } from "../random.ts";
import { doubtService } from "../workdir/store/lock_holder.ts";
import { Workdir } from "../workdir/store/workdir.ts";

/** What a provider verb stands on: files and a clock. No network. */
export interface Provider {
  config: Config;
  workdir: Workdir;
  /** All other files: the work directory has its own. */
  files: Files;
  clock: Clock;
  random: Random;
  /** Tells people, beside the answer, what they ought to know. */
  warn: (text: string) => void;
}

/** The work directory that the configuration names; a verb that writes makes it if there is none. */
export function openProvider(
  config: Config,
  world: { files: Files; clock: Clock; random: Random; warn: (text: string) => void },
): Provider {
  return { config, ...world, workdir: new Workdir(config.workdir, { ...world, isShared: config.sharedWorkdir }) };
}

/**
 * A message of an answer, and after it why nothing may come of it for now: no process serves the work directory, as far as
 * some watchers go. People are told the same. All else of the answer stays what it is.
 */
export function withService(
  { workdir, clock, warn }: Pick<Provider, "workdir" | "clock" | "warn">,
  watchers: readonly ("request-machines" | "request-return-machines" | "pods")[],
  message: string,
): string {
  let doubt: string | undefined;
  try {
    for (const watcher of watchers) doubt ??= doubtService(workdir, watcher, clock.now());
  } catch {
    // What cannot be read says nothing, and what was accepted is answered as such.
  }
  if (doubt === undefined) return message;
  warn(doubt);
  return inSentences(message, doubt);
}

/** Two sentences, of which the first may lack its full stop, or be missing. */
export function inSentences(first: string | undefined, second: string): string {
  return first ? `${first}${/[.!?]$/.test(first) ? "" : "."} ${second}` : second;
}
