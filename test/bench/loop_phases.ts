/** What the loops beside `serve` have in common: the same phases, measured in the same way. */
import process from "node:process";

/** A loop: how it creates and deletes the pod of a number, and what it has seen of its pods by now. */
export interface PodLoop {
  create: (i: number) => Promise<void>;
  remove: (i: number) => Promise<void>;
  /** The names that were seen running, and those that were seen gone. */
  running: ReadonlySet<string>;
  gone: ReadonlySet<string>;
}

/**
 * Creates `count` pods, waits until all run, deletes them, waits until all are gone, and prints one JSON object: milliseconds
 * that passed, and that this process kept the CPU busy.
 */
export async function runPhases(
  { create, remove, running, gone }: PodLoop,
  { count, concurrency }: { count: number; concurrency: number },
): Promise<void> {
  const startedMs = performance.now();
  const elapsed = () => Math.round(performance.now() - startedMs);
  const cpuAtStart = process.cpuUsage();
  const cpu = () => {
    const { user, system } = process.cpuUsage(cpuAtStart);
    return Math.round((user + system) / 1000);
  };
  const each = async (work: (i: number) => Promise<void>) => {
    let next = 0;
    await Promise.all(Array.from({ length: concurrency }, async () => {
      while (next < count) await work(next++);
    }));
  };
  const until = async (condition: () => boolean) => {
    const deadlineMs = performance.now() + 120_000;
    while (!condition()) {
      if (performance.now() > deadlineMs) throw new Error(`${running.size} running, ${gone.size} gone after 120 s`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await each(create);
  const [createdMs, createdCpuMs] = [elapsed(), cpu()];
  await until(() => running.size >= count);
  const [runningMs, runningCpuMs] = [elapsed(), cpu()];
  await each(remove);
  await until(() => gone.size >= count);
  const [goneMs, goneCpuMs] = [elapsed() - runningMs, cpu() - runningCpuMs];
  console.log(JSON.stringify({ createdMs, runningMs, goneMs, createdCpuMs, runningCpuMs, goneCpuMs }));
}
