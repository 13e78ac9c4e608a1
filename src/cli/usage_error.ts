import { ExitCode, HostFactoryError } from "../errors.ts";

/** The command line is wrong. */
export class UsageError extends HostFactoryError {
  /** Which commands there are, where none was given. */
  readonly help: string | undefined;

  constructor(message: string, options: { cause: unknown; help?: string }) {
    super(message, { cause: options.cause, exitCode: ExitCode.usage });
    this.help = options.help;
  }
}
