import { memory } from "../bench/process.ts";

/** Ticks in a second of the times in /proc, whatever the kernel's own are. */
const TICKS = 100;

/** How much CPU time a process has used, in seconds. */
export function cpuSeconds(pid: number): number {
  // The name of the program comes second, in brackets, and may hold anything.
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** What the kernel says of a process. */
export function processMeasures(pid: number): { rssMiB: number; descriptors: number; threads: number } {
  const threads = /Threads:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
  const descriptors = [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
  return { rssMiB: memory(pid).nowMb, descriptors, threads: Number(threads) };
}

/**
 * How many files lie below each directory of a work directory; `files left hidden` are those among them that have the name
 * of something that is still being made.
 */
export function fileCounts(workdir: string): Record<string, number> {
  const counts: Record<string, number> = {};
  let hidden = 0;
  const count = (directory: string): number => {
    let files = 0;
    for (const { name, isDirectory } of entries(directory)) {
      if (name.startsWith(".new-")) hidden++;
      files += isDirectory ? 1 + count(`${directory}/${name}`) : 1;
    }
    return files;
  };
  for (const { name, isDirectory } of entries(workdir)) {
    if (isDirectory) counts[`files in ${name}`] = count(`${workdir}/${name}`);
  }
  return { ...counts, "files left hidden": hidden };
}

/** What one line of `src/serve/stats_line.ts` says. */
export interface StatsSample {
  /** Since the epoch. */
  atMs: number;
  heapMiB: number;
  delayP99Ms: number;
  delayMaxMs: number;
}

/** The pulse that a process has logged. */
export function statsOf(log: string): StatsSample[] {
  const lines: StatsSample[] = [];
  for (const line of entryText(log).split("\n")) {
    if (!line.includes(" stats: ")) continue;
    const value = (name: string) => Number(new RegExp(` ${name}=([\\d.]+)`).exec(line)?.[1]);
    lines.push({
      atMs: Date.parse(line.slice(0, 24)),
      heapMiB: value("heapMiB"),
      delayP99Ms: value("delayP99Ms"),
      delayMaxMs: value("delayMaxMs"),
    });
  }
  return lines;
}

/** A log that has grown large has a second part; what is not there is empty. */
function entryText(log: string): string {
  return [`${log}.1`, log].map((path) => {
    try {
      return Deno.readTextFileSync(path);
    } catch {
      return "";
    }
  }).join("");
}

/** Retention removes directories while we look at them. */
function entries(directory: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(directory)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
