import { describeError } from "../errors.ts";
import { epochSeconds } from "../clock.ts";
import { isNotFound } from "../files.ts";
import type { MachineResult, MachineState } from "../hf/status.ts";
import { failureMessage, resultForRequest } from "../machine/answer.ts";
import { type FailureKind, failureKind } from "../machine/failure_kind.ts";
import type { PodFacts } from "../machine/pod_facts.ts";
import { isTerminal } from "../machine/terminal.ts";
import { givenUpAt, type Limits, mayWait, waitsFor } from "../machine/waiting.ts";
import { readState } from "../workdir/machines.ts";
import { readPodFile } from "../workdir/pod_file.ts";
import { readMachine } from "../workdir/snapshot.ts";
import type { Workdir } from "../workdir/store/workdir.ts";

/**
 * One machine of the picture. Times are in seconds since the epoch. Texts are as they were read, and empty if unknown.
 */
export interface PicturedMachine {
  name: string;
  requestId: string;
  /** `unknown` if its request does not say. */
  templateId: string;
  state: MachineState;
  /** The machine's result in the answer to Symphony for its request. */
  result: MachineResult;
  /** Since when it has been in this state, as far as that is known. */
  since: number | undefined;
  uid: string;
  address: string;
  node: string;
  zone: string;
  /** The return request that it is in. */
  returnId: string | undefined;
  /** When its pod should be gone at the latest, if it is being deleted. */
  goneAt: number | undefined;
  /** What it waits for until it is up, and when it is given up at the latest. */
  waitsFor: string | undefined;
  until: number | undefined;
  /** Why it ended, or why it cannot be read; empty while all is well. */
  message: string;
  /** The kind of its failure; absent if it has not failed. */
  failure: FailureKind | undefined;
}

/** What reading a machine needs to know of its request. */
export interface MachineContext {
  requestId: string;
  templateId: string;
  /** What its record says; absent for those of the legacy plug-in. */
  record: { requestedAt: number } | undefined;
  isPending: boolean;
  isReturned: (machine: string) => boolean;
  limits: Limits;
  /** How far the cluster's clock is ahead of ours, in seconds. */
  clusterAheadSeconds: number;
  /** See `PictureOptions`. */
  isBrief: boolean;
  /** The zone of a node; empty if it is not known. */
  zoneOf: (node: string) => string;
}

/**
 * A text that changes whenever reading the machine again would have another result. Costs two or three file operations.
 * @throws if a file cannot be read
 */
export function machineStamp(
  workdir: Workdir,
  name: string,
  { isPending, isReturned }: Pick<MachineContext, "isPending" | "isReturned">,
): string {
  const state = readState(workdir, name);
  const { layout } = workdir;
  const pod = stampOf(workdir, layout.pod(name));
  if (!isTerminal(state)) return `${state} ${isPending} ${pod}`;
  // Without a tombstone, what Symphony is told depends on whether the machine was given back.
  const end = stampOf(workdir, layout.machine(name)) || isReturned(name);
  return `${state} ${pod} ${end}`;
}

function stampOf(workdir: Workdir, path: string): string {
  try {
    const { inode, modifiedMs } = workdir.files.info(path);
    return `${inode}/${modifiedMs}`;
  } catch (error) {
    if (isNotFound(error)) return "";
    throw error;
  }
}

/**
 * Reads a machine, except for its return request. If a file cannot be read, its message says so and it counts as
 * executing, as it does for Symphony.
 */
export function lookAtMachine(workdir: Workdir, name: string, context: MachineContext): PicturedMachine {
  try {
    return lookAt(workdir, name, context);
  } catch (error) {
    const { requestId, templateId } = context;
    const message = `Cannot be read: ${describeError(error)}`;
    return { ...NOTHING_KNOWN, name, requestId, templateId, message };
  }
}

const NOTHING_KNOWN = {
  state: "creating",
  result: "executing",
  since: undefined,
  uid: "",
  address: "",
  node: "",
  zone: "",
  returnId: undefined,
  goneAt: undefined,
  waitsFor: undefined,
  until: undefined,
  failure: undefined,
} as const;

function lookAt(workdir: Workdir, name: string, context: MachineContext): PicturedMachine {
  const { requestId, templateId, record, isPending, isReturned, limits, clusterAheadSeconds, isBrief, zoneOf } =
    context;
  const entry = isPending ? "pending" : "created";
  const machine = readMachine(workdir, name, { isReturned, entry });
  const isUnread = machine.state === "deleted" || (isBrief && machine.state === "running");
  const pod = isUnread ? undefined : machine.pod;
  const tombstone = isTerminal(machine.state) ? machine.tombstone : undefined;
  const result = resultForRequest(machine, record);
  const waiting = mayWait(machine) ? waitsFor(machine, readPodFile(workdir, name)) : undefined;
  const until = pod && waiting !== undefined ? givenUpAt(pod, limits) : undefined;
  const node = pod?.place?.node ?? "";
  const ours = (at: number | undefined) => at === undefined ? undefined : at - clusterAheadSeconds;
  return {
    name,
    requestId,
    templateId,
    state: machine.state ?? "creating",
    result,
    since: sinceWhen(workdir, name, { state: machine.state, pod, requestedAt: record?.requestedAt, ours }),
    uid: pod?.uid ?? tombstone?.uid ?? "",
    address: pod?.privateIpAddress || tombstone?.privateIpAddress || "",
    node,
    zone: zoneOf(node),
    returnId: undefined,
    goneAt: ours(pod?.deletionAt),
    waitsFor: waiting,
    until: ours(until),
    message: tombstone?.message ?? (result === "fail" ? failureMessage(machine) : ""),
    failure: result === "fail" ? (tombstone && failureKind(tombstone)) ?? "other" : undefined,
  };
}

/**
 * Since when a machine has been in its state, by our clock. The cluster's times are converted; those of files are our
 * host's.
 */
function sinceWhen(
  workdir: Workdir,
  name: string,
  { state, pod, requestedAt, ours }: {
    state: MachineState | undefined;
    pod: PodFacts | undefined;
    requestedAt: number | undefined;
    ours: (at: number | undefined) => number | undefined;
  },
): number | undefined {
  switch (state) {
    case "pending":
      return ours(pod?.createdAt);
    case "running":
      return ours(pod?.startedAt ?? pod?.createdAt);
    case "succeeded":
    case "failed":
    case "deleted":
      return writtenAt(workdir, workdir.layout.machine(name));
    case "unknown":
      return writtenAt(workdir, workdir.layout.pod(name));
    default:
      return requestedAt;
  }
}

function writtenAt(workdir: Workdir, path: string): number | undefined {
  try {
    return epochSeconds(workdir.files.info(path).modifiedMs);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
