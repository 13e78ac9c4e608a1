import type { MachineRow } from "../src/page/messages.ts";
import { ago, lengthOf } from "./words.ts";

/** The states, in the order in which a machine passes through them. */
export const STATES = ["creating", "pending", "running", "succeeded", "failed", "unknown", "deleted"] as const;
export type State = typeof STATES[number];

/** A machine: a row of a message with named fields. */
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

/** States that a machine does not leave. */
const OVER: readonly State[] = ["succeeded", "failed", "deleted"];

/** `running for 6 min`, `failed 6 min ago`. */
export function stateText({ state, since }: Machine, now: number): string {
  if (since === null) return state;
  return OVER.includes(state) ? `${state} ${ago(since, now)}` : `${state} for ${lengthOf(now - since)}`;
}

/** True if it is on its way out: Symphony gave it back, or its pod is being deleted. */
export function isLeaving({ state, returnId, goneAt }: Machine): boolean {
  return (state === "running" || state === "pending" || state === "creating") && (returnId !== "" || goneAt !== null);
}

/** States in which a machine has a node, known or not. */
const HAS_NODE: readonly State[] = ["running", "unknown"];

/** What machines can be grouped by, each with the label of a machine's group. */
export const GROUPINGS = {
  request: ({ requestId }: Machine) => requestId,
  template: ({ templateId }: Machine) => templateId,
  node: ({ node, state }: Machine) => node || (HAS_NODE.includes(state) ? "node not known" : "on no node"),
  zone: ({ zone }: Machine) => zone || "zone not known",
  state: ({ state }: Machine) => state,
} as const;
export type Grouping = keyof typeof GROUPINGS;
export const isGrouping = (text: string): text is Grouping => Object.hasOwn(GROUPINGS, text);
