import { eventually } from "./deadline.ts";

/** A program that ran to its end. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Command {
  program: string;
  args: string[];
  environment: Record<string, string>;
  directory: string;
}

/** How long, in milliseconds, a program that is to end by itself may take. */
const LONGEST_RUN_MS = 300_000;

/** Runs a program to its end, with nothing of our own environment. @param stdin absent: nothing can be read */
export async function runToEnd(command: Command, stdin?: string): Promise<Ran> {
  const child = spawn(command, stdin === undefined ? "null" : "piped");
  const written = stdin === undefined ? undefined : new Blob([stdin]).stream().pipeTo(child.stdin).catch(() => {});
  const timer = setTimeout(() => child.kill("SIGKILL"), LONGEST_RUN_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  await written;
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** A program that runs until it is told to stop, and what it says meanwhile. */
export class Running {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<unknown>;
  #status: Deno.CommandStatus | undefined;
  stdout = "";
  stderr = "";

  constructor(command: Command) {
    this.#child = spawn(command, "null");
    this.#read = Promise.all([
      collect(this.#child.stdout, (text) => this.stdout += text),
      collect(this.#child.stderr, (text) => this.stderr += text),
      this.#child.status.then((status) => this.#status = status),
    ]);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get isAlive(): boolean {
    return this.#status === undefined;
  }

  /** Waits until it has said something that matches. @throws where it ends before */
  async says(pattern: RegExp): Promise<void> {
    await eventually(`${pattern} from a process that said ${this.stdout}${this.stderr}`, () => {
      return pattern.test(this.stdout + this.stderr);
    });
  }

  /** Sends a signal, where it still runs. */
  signal(signal: Deno.Signal): void {
    if (this.isAlive) this.#child.kill(signal);
  }

  /** Waits for its end. @returns its exit status */
  async ended(): Promise<number> {
    await this.#read;
    return this.#status?.code ?? -1;
  }

  /** Ends it as a shutdown does. @returns its exit status */
  async stop(): Promise<number> {
    this.signal("SIGTERM");
    return await this.ended();
  }

  /** Ends it as a power failure does. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended();
  }
}

function spawn({ program, args, environment, directory }: Command, stdin: "null" | "piped"): Deno.ChildProcess {
  return new Deno.Command(program, {
    args,
    clearEnv: true,
    env: environment,
    cwd: directory,
    stdin,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function collect(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) add(text);
}

/** True while a process runs. One that has ended does not, though its parent has not taken notice of that yet. */
export function isRunning(pid: number): boolean {
  const { stdout } = new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] }).outputSync();
  return /^[^Z]/.test(new TextDecoder().decode(stdout).trim());
}
