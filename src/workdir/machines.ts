import * as v from "valibot";
import { timestampSeconds } from "../clock.ts";
import { isMachineState, type MachineState } from "../hf/status.ts";
import type { PodFacts } from "../machine/pod_facts.ts";
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
  succeeded: v.optional(v.boolean()),
  message: v.string(),
});

/** See `PodNotes`. */
export const PodNotesSchema = v.object({
  seenAt: v.optional(FiniteNumber),
  hindered: v.optional(
    v.object({
      what: v.optional(v.string()),
      since: v.optional(FiniteNumber),
      seenAt: v.optional(FiniteNumber),
      isCertain: v.boolean(),
    }),
  ),
  endedAt: v.optional(FiniteNumber),
  endedSeenAt: v.optional(FiniteNumber),
});

const PodFactsSchema = v.object({
  metadata: v.object({
    name: v.string(),
    uid: v.string(),
    resourceVersion: v.optional(v.string()),
    creationTimestamp: v.optional(v.nullable(v.string())),
    creation_timestamp: v.optional(v.nullable(FiniteNumber)),
    deletionTimestamp: v.optional(v.nullable(v.string())),
    deletion_timestamp: v.optional(v.nullable(FiniteNumber)),
  }),
  spec: v.optional(v.object({
    nodeName: v.optional(v.nullable(v.string())),
    node_name: v.optional(v.nullable(v.string())),
    terminationGracePeriodSeconds: v.optional(v.nullable(FiniteNumber)),
    termination_grace_period_seconds: v.optional(v.nullable(FiniteNumber)),
    tolerations: v.optional(v.unknown()),
  })),
  status: v.optional(v.object({
    podIP: v.optional(v.nullable(v.string())),
    pod_ip: v.optional(v.nullable(v.string())),
    phase: v.optional(v.nullable(v.string())),
  })),
  hostfactory: v.optional(PodNotesSchema),
});

/** What Kubernetes gives a pod that does not say, in seconds (source: API reference, `terminationGracePeriodSeconds`). */
const DEFAULT_GRACE_SECONDS = 30;

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

/** The facts of the machine's pod file, or `undefined` if there is none that can be read. */
export function readPodFacts(workdir: Workdir, machine: string): PodFacts | undefined {
  const pod = readRecord(workdir, workdir.layout.pod(machine), PodFactsSchema);
  if (!pod) return undefined;
  const { metadata, spec, status } = pod;
  const node = spec?.nodeName ?? spec?.node_name;
  const graceSeconds = spec?.terminationGracePeriodSeconds ?? spec?.termination_grace_period_seconds ??
    DEFAULT_GRACE_SECONDS;
  return {
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    privateIpAddress: status?.podIP ?? status?.pod_ip ?? "",
    createdAt: metadata.creation_timestamp ?? timestampSeconds(metadata.creationTimestamp),
    deletionAt: metadata.deletion_timestamp ?? timestampSeconds(metadata.deletionTimestamp),
    ...pod.hostfactory,
    ...(spec && node ? { place: { node, graceSeconds, tolerations: spec.tolerations } } : {}),
  };
}
