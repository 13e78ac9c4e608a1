import * as v from "valibot";
import { isMachineState, type MachineState } from "../hf/status.ts";
import type { Tombstone } from "../machine/tombstone.ts";
import { FiniteNumber, readRecord } from "./store/record.ts";
import type { Workdir } from "./store/workdir.ts";

const TombstoneSchema = v.object({
  uid: v.optional(v.string()),
  privateIpAddress: v.optional(v.string()),
  launchtime: v.optional(FiniteNumber),
  up: v.boolean(),
  returned: v.boolean(),
  givenUp: v.boolean(),
  replaced: v.optional(v.boolean()),
  succeeded: v.optional(v.boolean()),
  message: v.string(),
});

/** The machine's state; `undefined` if it has none that we know. */
export function readState(workdir: Workdir, machine: string): MachineState | undefined {
  const path = workdir.layout.podStatus(machine);
  const target = workdir.readLink(path);
  if (target === undefined) return undefined;
  const state = target.slice(target.lastIndexOf("/") + 1);
  if (!isMachineState(state)) return void workdir.broken.note(path, `Its state '${state.slice(0, 80)}' is not known`);
  workdir.broken.clear(path);
  return state;
}

/** Writes the state unless it is there already. */
export function writeState(workdir: Workdir, machine: string, state: MachineState): void {
  if (readState(workdir, machine) !== state) workdir.link(state, workdir.layout.podStatus(machine));
}

/** Gives a new machine its first state, unless somebody was quicker to say more. */
export function writeFirstState(workdir: Workdir, machine: string): void {
  try {
    workdir.prototypes.link("creating", workdir.layout.podStatus(machine));
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/** What we noted of a machine that came to its end, or nothing. */
export function readTombstone(workdir: Workdir, machine: string): Tombstone | undefined {
  return readRecord(workdir, workdir.layout.machine(machine), TombstoneSchema);
}

/** @param options `spare`: see `Workdir.write` */
export function writeTombstone(
  workdir: Workdir,
  machine: string,
  tombstone: Tombstone,
  options: { spare?: string | undefined } = {},
): void {
  workdir.write(workdir.layout.machine(machine), textOf(tombstone), options);
}

/** As `writeTombstone`, and the note itself survives a power failure; its name does once the directory is synced. */
export function writeLastingTombstone(workdir: Workdir, machine: string, tombstone: Tombstone): Promise<void> {
  return workdir.writeDurably(workdir.layout.machine(machine), textOf(tombstone));
}

function textOf(tombstone: Tombstone): string {
  return `${JSON.stringify(tombstone)}\n`;
}
