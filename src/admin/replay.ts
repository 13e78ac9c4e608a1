import { Budget } from "../budget.ts";
import type { Clock } from "../clock.ts";
import { HostFactoryError } from "../errors.ts";
import { readEvents } from "../events/reader.ts";
import type { Files } from "../files.ts";
import { runChild } from "./child.ts";
import type { ReadAccess } from "./open_picture.ts";

/** A call of a verb that was recorded, with its question. */
export interface RecordedCall {
  verb: string;
  /** The id of its request, or of the call if there was no request. */
  id: string;
  /** Its question, a JSON document. */
  input: string;
  /** Seconds since the epoch. */
  at: number;
}

/** The verbs by the categories under which the legacy plug-in records their questions. */
const VERBS: Readonly<Record<string, string>> = {
  template: "get-available-templates",
  "request-status": "get-request-status",
  "return-request": "get-return-requests",
  request: "request-machines",
  return: "request-return-machines",
};

/** Repeated calls are not recorded, because the next replay would then make each of them twice. */
const UNRECORDED = { HF_K8S_RECORD_IO: "off" };

/** How long to wait for a process that writes to the events database, in milliseconds. */
const LOCK_WAIT_MS = 5_000;

/**
 * The calls that were recorded, in order of time.
 * @throws HostFactoryError if there are none, or the database cannot be read
 */
export async function recordedCalls(
  { workdir, files, clock }: ReadAccess,
  { dbfile = workdir.layout.eventsDatabase }: { dbfile?: string },
): Promise<RecordedCall[]> {
  const source = { files, dbfile, spool: workdir.layout.events, lockWaitMs: LOCK_WAIT_MS };
  const filter = { categories: Object.keys(VERBS), types: ["input"] };
  const events = await readEvents(source, filter, new Budget(clock, { restPerTurn: 0 }));
  const calls = events.flatMap(({ category, id, value, timestamp }) => {
    const verb = VERBS[category];
    return verb === undefined ? [] : [{ verb, id, input: value, at: timestamp }];
  });
  if (calls.length > 0) return calls;
  throw new HostFactoryError(`Cannot replay anything: '${dbfile}' contains no recorded input of a verb`, {
    hint: "verbs record it where HF_K8S_RECORD_IO=on is set; give another database with --dbfile",
  });
}

/** The result of a repeated call. */
export interface ReplayedCall extends RecordedCall {
  code: number;
  /** What the verb answered, in one line. */
  answer: string;
}

/**
 * Calls the verbs again, one after the other. Each call uses its original request id, so that no request is accepted
 * twice.
 * @param options `self`: how this program is started; `arguments`: its global options; `file`: a path that each input
 * is written to, and then removed from; `isWaited`: wait between two calls for as long as between the recorded ones
 * @param told called with each result
 */
export async function replayCalls(
  calls: readonly RecordedCall[],
  options: {
    self: readonly string[];
    arguments: readonly string[];
    file: string;
    isWaited: boolean;
    files: Files;
    clock: Clock;
    signal: AbortSignal;
  },
  told: (call: ReplayedCall) => void,
): Promise<void> {
  const { self, file, isWaited, files, clock, signal } = options;
  let before = calls[0]?.at ?? 0;
  for (const call of calls) {
    if (isWaited && call.at > before) await clock.sleep((call.at - before) * 1_000, signal);
    before = call.at;
    files.writeText(file, call.input, { mode: 0o600 });
    try {
      const command = [...self, ...options.arguments, "--request-id", call.id, call.verb, "-f", file];
      const { code, stdout } = await runChild(command, { signal, environment: UNRECORDED });
      told({ ...call, code, answer: stdout.replace(/\s+/g, " ").trim() });
    } finally {
      files.remove(file);
    }
  }
}
