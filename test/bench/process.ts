/** Runs programs for the bench and measures them. */

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

async function watchPeak(pid: number, ended: () => boolean): Promise<number> {
  let peakMb = 0;
  while (!ended()) {
    try {
      peakMb = Math.max(peakMb, memory(pid).peakMb);
    } catch {
      break; // It has ended.
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return peakMb;
}

/** The middle value. */
export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
