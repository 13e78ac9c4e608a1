import { isNotFound } from "../files.ts";
import type { Workdir } from "./store/workdir.ts";

/** What extensions are told of a machine, in this order. */
export const MACHINE_EVENTS = ["created", "up", "failed", "deleted"] as const;
export type MachineEvent = typeof MACHINE_EVENTS[number];

/** What an extension was told last of a machine; `undefined` if nothing was, or nothing that we know. */
export function readNotified(workdir: Workdir, extension: string, machine: string): MachineEvent | undefined {
  const target = workdir.readLink(workdir.layout.notifiedMachine(extension, machine));
  return MACHINE_EVENTS.find((event) => event === target);
}

/** Notes what an extension was told last of a machine. Not durable: what is lost is told again. */
export function writeNotified(
  workdir: Workdir,
  extension: string,
  { machine, event }: { machine: string; event: MachineEvent },
): void {
  workdir.link(event, workdir.layout.notifiedMachine(extension, machine));
}

/** Makes what notes for an extension need. */
export function makeNotified(workdir: Workdir, extension: string): void {
  const path = workdir.layout.notifiedExtension(extension);
  if (workdir.kind(path) !== "directory") workdir.makeDirectory(path);
}

/** The machines of which an extension was told something. */
export function notifiedMachines(workdir: Workdir, extension: string): string[] {
  return workdir.names(workdir.layout.notifiedExtension(extension));
}

/** The extensions that have been told something. */
export function notifiedExtensions(workdir: Workdir): string[] {
  return workdir.directories(workdir.layout.notified);
}

/** Forgets what an extension was told of a machine. */
export function removeNotified(workdir: Workdir, extension: string, machine: string): void {
  workdir.remove(workdir.layout.notifiedMachine(extension, machine));
}

/** Removes the directory of an extension, which has to be empty but for hidden names. */
export function removeNotifiedExtension(workdir: Workdir, extension: string): void {
  try {
    workdir.files.removeTree(workdir.layout.notifiedExtension(extension));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
