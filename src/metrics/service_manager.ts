import type { Clock } from "../clock.ts";
import type { Environment } from "../config.ts";
import { describeError } from "../errors.ts";
import { logger } from "../log.ts";
import type { Health } from "./health.ts";

/** How often to look whether the process has begun its work, and how often to send the status, in milliseconds. */
const LOOK_EVERY_MS = 200;
const TELL_EVERY_MS = 10_000;

/** Sends the service manager these assignments, such as `READY=1`. @throws if that fails */
export type Send = (assignments: string[]) => Promise<void>;

const log = logger("systemd");

/**
 * Sends by calling `systemd-notify`, which comes with systemd, because the runtime sends no datagrams to unix sockets without an
 * unstable flag. It finds the socket in the environment that it inherits.
 */
export const systemSend: Send = async (assignments) => {
  const command = new Deno.Command("systemd-notify", {
    args: assignments,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  const { success, stderr } = await command.output();
  if (!success) throw new Error(`systemd-notify failed: ${new TextDecoder().decode(stderr).trim()}`);
};

/** What the service manager asks for. */
export interface Wishes {
  /** How often it needs a sign of life, in milliseconds; infinity: never. */
  watchdogMs: number;
}

/** Reads from the environment what the service manager asks for; `undefined` if there is none. @param pid our own */
export function wishesOf(environment: Environment, pid: number): Wishes | undefined {
  if (!environment["NOTIFY_SOCKET"]) return undefined;
  const { WATCHDOG_USEC: microseconds = "", WATCHDOG_PID: watched = String(pid) } = environment;
  const isWatched = /^[1-9]\d*$/.test(microseconds) && watched === String(pid);
  return { watchdogMs: isWatched ? Number(microseconds) / 1_000 : Infinity };
}

/**
 * Tells the service manager when we are ready, then our status and signs of life, and at the end that we are stopping. Ends when
 * `stopping` aborts. If sending fails, logs that once and gives up.
 */
export async function tellServiceManager(
  { watchdogMs }: Wishes,
  { health, clock, send, stopping }: { health: Health; clock: Clock; send: Send; stopping: AbortSignal },
): Promise<void> {
  try {
    while (!health.hasBegun && !stopping.aborted) await clock.sleep(LOOK_EVERY_MS, stopping).catch(() => {});
    let status = statusOf(health);
    if (!stopping.aborted) await send(["READY=1", status]);
    while (!stopping.aborted) {
      await clock.sleep(Math.min(watchdogMs / 2, TELL_EVERY_MS), stopping).catch(() => {});
      if (stopping.aborted) break;
      const next = statusOf(health);
      const lives = watchdogMs < Infinity && health.live().isGood;
      const news = [...lives ? ["WATCHDOG=1"] : [], ...next === status ? [] : [next]];
      status = next;
      if (news.length > 0) await send(news);
    }
    await send(["STOPPING=1", "STATUS=Stopping"]);
  } catch (error) {
    log.warn("systemd cannot be told how this is: install systemd-notify, or use Type=exec without WatchdogSec", {
      error: describeError(error),
    });
  }
}

/** One line. */
function statusOf(health: Health): string {
  const { isGood, reasons } = health.ready();
  const said = [...isGood ? ["Owner, and the view of the cluster is fresh"] : [], ...reasons].join("; ");
  return `STATUS=${said.replace(/\s+/g, " ")}`;
}
