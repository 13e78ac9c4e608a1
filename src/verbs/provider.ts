import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { EventSink } from "../events/types.ts";
import type { Files } from "../files.ts";
import type { Random } from "../random.ts";
import { eventRecorder } from "../workdir/events.ts";
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
  /** What is told what was asked for; absent: nothing is. */
  events?: EventSink;
  /** Tells people, beside the answer, what they ought to know. */
  warn: (text: string) => void;
}

/**
 * The work directory that the configuration names; a verb that writes makes it if there is none.
 * @param world `recordsEvents`: what is asked for is left in the spool of events (false)
 */
export function openProvider(
  config: Config,
  { recordsEvents = false, ...world }: {
    files: Files;
    clock: Clock;
    random: Random;
    warn: (text: string) => void;
    recordsEvents?: boolean;
  },
): Provider {
  const workdir = new Workdir(config.workdir, { ...world, isShared: config.sharedWorkdir });
  const provider = { config, ...world, workdir };
  return recordsEvents ? { ...provider, events: eventRecorder(provider, config.eventMetadata) } : provider;
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
