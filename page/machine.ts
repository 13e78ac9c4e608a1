import type { MachineRow } from "../src/page/messages.ts";

/** The states, in the order in which a machine has them. */
export const STATES = ["creating", "pending", "running", "succeeded", "failed", "unknown", "deleted"] as const;
export type State = typeof STATES[number];

/** A machine, its row unpacked. */
export interface Machine {
  name: string;
  requestId: string;
  templateId: string;
  state: State;
  since: number | null;
  node: string;
  zone: string;
  reason: string;
  until: number | null;
  failure: string;
  returnId: string;
  goneAt: number | null;
  address: string;
}

export function machineOf(row: MachineRow): Machine {
  const [name, requestId, templateId, state, since, node, zone, reason, until, failure, returnId, goneAt, address] =
    row;
  return {
    name,
    requestId,
    templateId,
    state,
    since,
    node,
    zone,
    reason,
    until,
    failure,
    returnId,
    goneAt,
    address,
  };
}

export function rowOf(machine: Machine): MachineRow {
  const { name, requestId, templateId, state, since, node, zone, reason, until, failure, returnId, goneAt, address } =
    machine;
  return [name, requestId, templateId, state, since, node, zone, reason, until, failure, returnId, goneAt, address];
}

/** True if it is on its way out: Symphony gave it back, or its pod is being deleted. */
export function isLeaving({ state, returnId, goneAt }: Machine): boolean {
  return (state === "running" || state === "pending" || state === "creating") && (returnId !== "" || goneAt !== null);
}

/** By what machines are put together, and how each is called. */
export const GROUPINGS = {
  request: ({ requestId }: Machine) => requestId,
  template: ({ templateId }: Machine) => templateId,
  node: ({ node }: Machine) => node || "on no node",
  zone: ({ zone }: Machine) => zone || "zone not known",
  state: ({ state }: Machine) => state,
} as const;
export type Grouping = keyof typeof GROUPINGS;
export const isGrouping = (text: string): text is Grouping => Object.hasOwn(GROUPINGS, text);
