import type { Clock } from "../clock.ts";
import { absolute, type Config } from "../config.ts";
import { EventRecorder } from "../events/recorder.ts";
import type { EventSource } from "../events/reader.ts";
import type { Files } from "../files.ts";
import { Layout } from "./store/layout.ts";
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

/**
 * Where the events of a work directory are read.
 * @param options `dbfile`: the database, if it is not the one in the work directory; `lockWaitMs`: see `EventSource`
 */
export function eventSource(
  { workdir }: Pick<Config, "workdir">,
  { files, dbfile, lockWaitMs }: { files: Files; dbfile: string | undefined; lockWaitMs: number },
): EventSource {
  return { files, dbfile: eventsDatabase({ workdir }, dbfile), spool: new Layout(workdir).events, lockWaitMs };
}

/** The events database. @param dbfile as the command line says it; absent: the one in the work directory */
export function eventsDatabase({ workdir }: Pick<Config, "workdir">, dbfile: string | undefined): string {
  return dbfile === undefined ? new Layout(workdir).eventsDatabase : absolute(dbfile);
}
