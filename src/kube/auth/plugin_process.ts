import { NOT_NEEDED, systemClock } from "../../clock.ts";
import { describeError } from "../../errors.ts";
import { logger } from "../../log.ts";

/** A program to run, with nothing on its standard input. */
export interface PluginCall {
  command: string;
  args: string[];
  /** The whole environment. */
  environment: Record<string, string>;
  /** How much it may print to standard output; a program that prints more is killed. */
  stdoutLimitBytes: number;
  /** How much of its standard error is kept: the last part. */
  stderrLimitBytes: number;
  /** Kills the program when it aborts. */
  signal: AbortSignal;
}

/** How a program ended. */
export interface PluginResult {
  /** 128 plus the number of the signal if a signal ended it. */
  exitStatus: number;
  stdout: string;
  stderr: string;
  /** True if it printed more to standard output than it may: `stdout` holds the first part. */
  isOverLimit: boolean;
}

/** Runs a program to its end. Throws what `Deno.Command` throws. */
export type RunPlugin = (call: PluginCall) => Promise<PluginResult>;

/**
 * How long output may still come after the program itself has exited, because a child of it holds its pipes open. There
 * are several short periods because a stalled event loop may end any single one before it has read the pipes.
 */
const LINGER_PERIODS = 10;
const LINGER_PERIOD_MS = 20;

/** The pause between reads of standard error once its limit is exceeded: reading a flood would take a whole core. */
const FLOOD_REST_MS = 10;

const log = logger("credentials");

/**
 * Runs programs on the machine we run on, each in a process group of its own. The whole group is killed (SIGKILL) when
 * the signal aborts, when the program prints too much, and when our own process exits before the program. Children of a
 * program that has exited by itself are left alone, because it may have started an agent on purpose.
 */
export const systemRunPlugin: RunPlugin = async ({ command, args, environment, ...call }) => {
  const program = new Deno.Command(command, {
    args,
    env: environment,
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true, // In a session, and so in a process group, of its own.
  }).spawn();
  let hasExited = false;
  const kill = () => {
    if (!hasExited) killGroup(program.pid, command);
  };
  call.signal.addEventListener("abort", kill);
  globalThis.addEventListener("unload", kill);
  if (call.signal.aborted) kill();
  const stdout = new KeptOutput("first", call.stdoutLimitBytes);
  const stderr = new KeptOutput("last", call.stderrLimitBytes);
  const pipes = [
    new Pipe(program.stdout, (chunk) => {
      stdout.add(chunk);
      if (stdout.isOverLimit) kill();
    }),
    new Pipe(program.stderr, async (chunk) => {
      stderr.add(chunk);
      if (stderr.isOverLimit) await systemClock.sleep(FLOOD_REST_MS);
    }),
  ];
  try {
    const { code } = await program.status;
    hasExited = true;
    await linger(Promise.all(pipes.map(({ ended }) => ended)));
    return { exitStatus: code, stdout: stdout.text, stderr: stderr.text, isOverLimit: stdout.isOverLimit };
  } finally {
    call.signal.removeEventListener("abort", kill);
    globalThis.removeEventListener("unload", kill);
    for (const pipe of pipes) await pipe.close();
  }
};

/** Kills a process and its children, except those that have left its process group. */
function killGroup(pid: number, command: string): void {
  try {
    Deno.kill(-pid, "SIGKILL");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return; // It has just ended.
    log.error("Cannot kill a credential plug-in", { command, pid, error: describeError(error) });
  }
}

/** Waits until `ended` resolves, but no longer than output may linger. */
async function linger(ended: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  const finished = ended.then(() => done.abort(NOT_NEEDED));
  for (let period = 0; period < LINGER_PERIODS && !done.signal.aborted; period++) {
    await Promise.race([finished, systemClock.sleep(LINGER_PERIOD_MS, done.signal).catch(() => {})]);
  }
}

/** Passes on what a program prints. */
class Pipe {
  /** Resolves at the end of the output. */
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(stream: ReadableStream<Uint8Array>, take: (chunk: Uint8Array) => void | Promise<void>) {
    this.#reader = stream.getReader();
    this.ended = this.#read(take);
    this.ended.catch(() => {}); // The error is reported once the program has exited, when `ended` is awaited.
  }

  async #read(take: (chunk: Uint8Array) => void | Promise<void>): Promise<void> {
    for (let next = await this.#reader.read(); !next.done; next = await this.#reader.read()) await take(next.value);
  }

  /** Stops reading. */
  async close(): Promise<void> {
    await this.#reader.cancel();
    await this.ended;
  }
}

/**
 * One end of what a program prints: its first bytes or its last. They are copied, because each chunk, however short,
 * holds on to a buffer of 64 KiB.
 */
class KeptOutput {
  readonly #end: "first" | "last";
  readonly #bytes: Uint8Array;
  #length = 0;
  /** True if there was more than is kept. */
  isOverLimit = false;

  constructor(end: "first" | "last", limitBytes: number) {
    this.#end = end;
    this.#bytes = new Uint8Array(limitBytes);
  }

  add(chunk: Uint8Array): void {
    if (this.#length + chunk.length > this.#bytes.length) this.isOverLimit = true;
    if (this.#end === "first") this.#append(chunk.subarray(0, this.#bytes.length - this.#length));
    else this.#appendDropping(chunk.subarray(Math.max(0, chunk.length - this.#bytes.length)));
  }

  get text(): string {
    return new TextDecoder().decode(this.#bytes.subarray(0, this.#length));
  }

  #append(chunk: Uint8Array): void {
    this.#bytes.set(chunk, this.#length);
    this.#length += chunk.length;
  }

  /** Appends a chunk, and drops as many of the oldest bytes as it needs room for. */
  #appendDropping(chunk: Uint8Array): void {
    const kept = Math.min(this.#length, this.#bytes.length - chunk.length);
    this.#bytes.copyWithin(0, this.#length - kept, this.#length);
    this.#length = kept;
    this.#append(chunk);
  }
}
