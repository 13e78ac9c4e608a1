import { ExitCode, HostFactoryError } from "../errors.ts";

/** The command line is wrong. */
export class UsageError extends HostFactoryError {
  /** The list of commands, if none was given. */
  readonly help: string | undefined;

  constructor(message: string, options: { cause?: unknown; help?: string; hint?: string }) {
    super(message, { ...options, exitCode: ExitCode.usage });
    this.help = options.help;
  }
}
