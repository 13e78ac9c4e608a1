import type { Clock } from "../clock.ts";
import { EventRecorder } from "../events/recorder.ts";
import type { Workdir } from "./store/workdir.ts";

/**
 * Records events in the spool of a work directory.
 * @param metadata what each event says beside its own: see `Config.eventMetadata`
 */
export function eventRecorder(
  { workdir, clock }: { workdir: Workdir; clock: Clock },
  metadata: Readonly<Record<string, string>>,
): EventRecorder {
  const write = (path: string, text: string) => workdir.write(path, text);
  return new EventRecorder({ directory: workdir.layout.events, write, clock, random: workdir.random, metadata });
}
