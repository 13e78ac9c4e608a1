import * as v from "valibot";
import { timestampSeconds } from "../clock.ts";
import { isStatusWord, type StatusWord } from "../hf/status.ts";
import { FiniteNumber, readRecord } from "./record.ts";
import type { Workdir } from "./workdir.ts";

const MachineRecordSchema = v.object({
  uid: v.optional(v.string()),
  privateIpAddress: v.optional(v.string()),
  launchtime: v.optional(FiniteNumber),
  up: v.boolean(),
  returned: v.boolean(),
  givenUp: v.boolean(),
  succeeded: v.optional(v.boolean()),
  message: v.string(),
});

/** What stays of a machine that has come to its end, one way or the other. Times are in seconds since the epoch. */
export interface MachineRecord {
  /** The pod's uid and address, where there was a pod. */
  uid?: string | undefined;
  privateIpAddress?: string | undefined;
  launchtime?: number | undefined;
  /** It was running at some time. */
  up: boolean;
  /** Symphony gave it back, before anything else ended it. */
  returned: boolean;
  /** We decided that it is never to run: it is not created, and a pod that it has is deleted. */
  givenUp: boolean;
  /** Its pod ended by itself, and with success. */
  succeeded?: boolean | undefined;
  /** Why it ended, in words an operator can act on. */
  message: string;
}

/** True where the machine once had a pod: what was seen of that may be lost, but only we decide that there is to be none. */
export function hadPod({ uid, givenUp }: MachineRecord): boolean {
  return uid !== undefined || !givenUp;
}

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

/**
 * What a pod file notes beside the pod. Times are in seconds since the epoch; those that are called `seenAt` are by the clock of
 * our host, all others by the cluster's.
 */
export interface PodNotes {
  /** When this pod was first seen. */
  seenAt?: number | undefined;
  /** Something keeps it from working: what, whether for ever, and else since when. */
  hindered?:
    | { what?: string | undefined; since?: number | undefined; seenAt?: number | undefined; isCertain: boolean }
    | undefined;
  /** When it was first seen to have ended. */
  endedAt?: number | undefined;
  endedSeenAt?: number | undefined;
}

/** What the pod file of a machine says, whether we wrote it or the existing plug-in did (in snake_case). */
export interface PodFacts extends PodNotes {
  uid: string;
  resourceVersion: string | undefined;
  privateIpAddress: string;
  /** Seconds since the epoch; absent where the file does not say. */
  createdAt: number | undefined;
  /** When it is to be gone, in seconds since the epoch; absent while nobody deletes it. */
  deletionAt: number | undefined;
  /** Absent while it is on no node. */
  place?: PodPlace;
}

/** The node that a pod is on, and what the pod says of leaving it. */
export interface PodPlace {
  node: string;
  /** How long the pod is given once it is deleted, in seconds. */
  graceSeconds: number;
  /** As the file has them. */
  tolerations: unknown;
}

/** What Kubernetes gives a pod that does not say, in seconds (source: API reference, `terminationGracePeriodSeconds`). */
const DEFAULT_GRACE_SECONDS = 30;

/** The machine's status word, or nothing where it has none that we know. */
export function readStatusWord(workdir: Workdir, machine: string): StatusWord | undefined {
  const path = workdir.layout.podStatus(machine);
  const target = workdir.readLink(path);
  if (target === undefined) return undefined;
  const word = target.slice(target.lastIndexOf("/") + 1);
  if (!isStatusWord(word)) return void workdir.broken.note(path, `Its word '${word.slice(0, 80)}' is not known`);
  workdir.broken.clear(path);
  return word;
}

/** Writes the word unless it is there already. */
export function writeStatusWord(workdir: Workdir, machine: string, word: StatusWord): void {
  if (readStatusWord(workdir, machine) !== word) workdir.link(word, workdir.layout.podStatus(machine));
}

/** Gives a new machine its first word, unless somebody was quicker to say more. */
export function writeFirstStatusWord(workdir: Workdir, machine: string): void {
  try {
    workdir.prototypes.link("creating", workdir.layout.podStatus(machine));
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/** What we noted of a machine that came to its end, or nothing. */
export function readMachineRecord(workdir: Workdir, machine: string): MachineRecord | undefined {
  return readRecord(workdir, workdir.layout.machine(machine), MachineRecordSchema);
}

/** @param options `spare`: see `Workdir.write` */
export function writeMachineRecord(
  workdir: Workdir,
  machine: string,
  record: MachineRecord,
  options: { spare?: string | undefined } = {},
): void {
  workdir.write(workdir.layout.machine(machine), textOf(record), options);
}

/** As `writeMachineRecord`, and the note itself survives a power failure; its name does once the directory is synced. */
export function writeLastingMachineRecord(workdir: Workdir, machine: string, record: MachineRecord): Promise<void> {
  return workdir.writeDurably(workdir.layout.machine(machine), textOf(record));
}

function textOf(record: MachineRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** The facts of the machine's pod file, or nothing where there is none that can be read. */
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
