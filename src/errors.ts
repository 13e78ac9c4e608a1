/** What a process says to its caller by its exit status. */
export const ExitCode = {
  ok: 0,
  /** The work could not be done; the message says why. */
  failure: 1,
  /** The command line is wrong. */
  usage: 2,
  /** Another process holds the lock that this one needs. */
  locked: 3,
  /** The work directory is not served. */
  notServed: 4,
  /** Stopped by a signal before it was done: what shells say of Ctrl-C, 128 and its number. */
  interrupted: 130,
} as const;
export type ExitCode = typeof ExitCode[keyof typeof ExitCode];

/** An error that is meant for a person: what failed, and if there is one, what to do next. */
export class HostFactoryError extends Error {
  override readonly name: string = "HostFactoryError";
  /** What an operator can do about it, as one sentence, or nothing. */
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(message: string, options: { cause?: unknown; hint?: string; exitCode?: ExitCode } = {}) {
    super(withoutRuntimeWords(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? ExitCode.failure;
  }
}

/** The message of anything that was thrown, with its hint if it has one, as one line. */
export function describeError(error: unknown): string {
  if (error instanceof HostFactoryError && error.hint) return `${error.message} (${error.hint})`;
  return withoutRuntimeWords(error instanceof Error ? error.message : String(error));
}

/** What the runtime adds to an error of the system, and no operator needs: its number, and the name of the call. */
const RUNTIME_WORDS = / \(os error \d+\)(: \w+(?= '))?/g;

function withoutRuntimeWords(text: string): string {
  return text.replace(RUNTIME_WORDS, (_, call?: string) => call === undefined ? "" : ":");
}
