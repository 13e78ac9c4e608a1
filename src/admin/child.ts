/** A child process that runs this program. */
export interface Child {
  /** The command that it runs, as messages name it. */
  readonly name: string;
  /** Absent while it runs. */
  readonly exitCode: number | undefined;
  /** Asks it to stop and waits until it has. @returns its exit status */
  stop(): Promise<number>;
}

/** Starts a program without input. What it prints is not shown. */
export function startChild([command = "", ...args]: string[]): Child {
  const process = new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  let exitCode: number | undefined;
  const ended = process.status.then(({ code }) => exitCode = code);
  return {
    name: args.filter((arg) => !arg.startsWith("-")).slice(-1).join(" "),
    get exitCode() {
      return exitCode;
    },
    async stop() {
      if (exitCode === undefined) process.kill("SIGTERM");
      return await ended;
    },
  };
}

/**
 * Runs a program to its end.
 * @param options `environment`: variables in addition to ours
 * @returns its exit status and standard output
 */
export async function runChild(
  [command = "", ...args]: string[],
  { signal, environment = {} }: { signal: AbortSignal; environment?: Record<string, string> },
): Promise<{ code: number; stdout: string }> {
  const options = { args, signal, env: environment, stdin: "null", stdout: "piped", stderr: "null" } as const;
  const { code, stdout } = await new Deno.Command(command, options).output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}
