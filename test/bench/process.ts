/** Runs programs for the bench and measures them. */

/** How long, in milliseconds, anything may take at most: ten thousand machines on a busy host. */
const LONGEST_MS = 300_000;

/** One finished run of a program. */
export interface Run {
  code: number;
  stdout: string;
  /** Wall-clock milliseconds from start to end. */
  ms: number;
  /** The most memory that it held at any time, in MiB; 0 where it ended before it could be looked at. */
  peakMb: number;
}

/** Runs a program to its end, with `input` on its standard input. */
export async function measure(command: string, args: string[], input = ""): Promise<Run> {
  const startedMs = performance.now();
  const child = new Deno.Command(command, { args, stdin: "piped", stdout: "piped", stderr: "inherit" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  let ended = false;
  const peak = watchPeak(child.pid, () => ended);
  const output = await child.output();
  const ms = performance.now() - startedMs;
  ended = true;
  return { code: output.code, stdout: new TextDecoder().decode(output.stdout), ms, peakMb: await peak };
}

/** The resident memory of a process, in MiB: what it holds now and the most that it has held. */
export function memory(pid: number): { nowMb: number; peakMb: number } {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const mb = (key: string) => Number(new RegExp(`${key}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024;
  return { nowMb: mb("VmRSS"), peakMb: mb("VmHWM") };
}

/** For how many milliseconds a process has kept the CPU busy. */
export function cpuMs(pid: number): number {
  // The 14th and 15th field, in hundredths of a second on Linux (source: proc_pid_stat(5)); the second may hold blanks.
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ");
  return (Number(stat[11]) + Number(stat[12])) * 10;
}

/** For how many milliseconds the first thread of a process has waited for a core that others had. */
export function starvedMs(pid: number): number {
  // In nanoseconds: time on a core, time of waiting for one, turns (source: Documentation/scheduler/sched-stats.rst of Linux).
  const [, waited] = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/schedstat`).split(" ");
  return Number(waited) / 1e6;
}

async function watchPeak(pid: number, ended: () => boolean): Promise<number> {
  let peakMb = 0;
  while (!ended()) {
    try {
      peakMb = Math.max(peakMb, memory(pid).peakMb);
    } catch {
      break; // It has ended.
    }
    await sleep(1);
  }
  return peakMb;
}

/** The middle value. */
export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Starts `serve`. @returns once it has written down a complete view of the cluster */
export async function startServe(
  binary: string,
  workdir: string,
  { kubeconfig, log, confdir, args = [] }: { kubeconfig: string; log: string; confdir?: string; args?: string[] },
): Promise<Deno.ChildProcess> {
  const view = `${workdir}/views/pods.json`;
  if (exists(view)) Deno.removeSync(view);
  const global = ["--workdir", workdir, "--log-file", log, ...(confdir === undefined ? [] : ["--confdir", confdir])];
  const all = [...global, "serve", "--kubeconfig", kubeconfig, ...args];
  const serve = new Deno.Command(binary, { args: all, stdin: "null", stdout: "null", stderr: "inherit" }).spawn();
  await until(() => exists(view));
  return serve;
}

export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

export async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + LONGEST_MS;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`Nothing came of it within ${LONGEST_MS / 1000} s`);
    await sleep(50);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
