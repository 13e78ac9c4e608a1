import { epochSeconds, timestampSeconds } from "../clock.ts";
import type { RecordedEvent } from "../events/recorded.ts";
import type { Pod } from "../kube/types.ts";
import { words } from "../machine/failure_reason.ts";
import type { Tombstone } from "../machine/tombstone.ts";
import { startedAt } from "../machine/waiting.ts";

/** One entry of the timeline of a machine or request. */
export interface Step {
  /** Seconds since the epoch. */
  at: number;
  /** What happened, as a sentence without a full stop. */
  what: string;
  /** The cluster's own words, or other details; empty if there are none. */
  words: string;
}

/** An entry with the kind of its step, so that a step that events and the work directory both report is shown once. */
export interface MachineStep extends Step {
  kind: string;
}

/** What each step of a machine is called. Statuses that another program has recorded are shown unchanged. */
const STEPS: Readonly<Record<string, string>> = {
  requested: "Symphony asked for it",
  created: "Its pod was created",
  scheduled: "Its pod was given a node",
  running: "Its containers run",
  ready: "It is Ready",
  disrupted: "The cluster began to take its pod away",
  returned: "Symphony gave it back",
  deleting: "Its pod is being deleted",
  succeeded: "It ended by itself, with success",
  unknown: "Its node may be lost",
  timeout: "It was given up, as it was not up in time",
  failed: "It failed",
  deleted: "It is gone",
};

/** The steps of machines in their usual order, in which steps of the same second are shown. */
export const MACHINE_STEPS: readonly string[] = Object.keys(STEPS);

/**
 * The timeline of a machine from its events. The events of one second are one entry, with the others as its details.
 */
export function stepsOfEvents(events: readonly RecordedEvent[]): MachineStep[] {
  const status = events.filter(({ type, value }) => type === "status" && value !== "pending");
  return status.map(({ timestamp: at, value: kind }) => {
    const said = (type: string) =>
      events.find((event) => event.timestamp === at && event.type === type)?.value || undefined;
    return { at, kind, what: STEPS[kind] ?? kind, words: wordsOf(kind, said) };
  });
}

function wordsOf(kind: string, said: (type: string) => string | undefined): string {
  switch (kind) {
    case "requested":
      return requestWords(said("request_id"), said("template_id"));
    case "scheduled":
      return said("node_name") ?? "";
    case "failed":
      return said("failed_reason") ?? "";
    case "disrupted":
      return words(said("disrupted_reason"), said("disrupted_message"));
    case "returned":
      return returnWords(said("return_id"));
    default:
      return "";
  }
}

/**
 * What the work directory knows of a machine's life. The request's times are by our clock, the pod's by the cluster's.
 */
export interface MachineTraces {
  requestId: string;
  templateId: string | undefined;
  requestedAt: number | undefined;
  pod: Pod | undefined;
  tombstone: Tombstone | undefined;
  /** When the tombstone was written, and which kind of end it describes. */
  ended: { kind: "succeeded" | "failed" | "deleted"; at: number } | undefined;
  returned: { id: string; at: number | undefined } | undefined;
}

/** The timeline of a machine from the work directory. */
export function stepsOfTraces(traces: MachineTraces): MachineStep[] {
  const { pod, tombstone, ended, returned } = traces;
  const steps: MachineStep[] = [];
  const add = (kind: string, at: number | undefined, words = "") => {
    if (at !== undefined) steps.push({ kind, at, what: STEPS[kind] ?? kind, words });
  };
  add("requested", traces.requestedAt, requestWords(traces.requestId, traces.templateId));
  add("created", pod ? timestampSeconds(pod.metadata.creationTimestamp) : tombstone?.launchtime);
  if (pod) {
    const isTrue = (type: string) =>
      pod.status?.conditions?.find((condition) => condition.type === type && condition.status === "True");
    add("scheduled", timestampSeconds(isTrue("PodScheduled")?.lastTransitionTime), pod.spec.nodeName);
    add("running", startedAt(pod));
    add("ready", timestampSeconds(isTrue("Ready")?.lastTransitionTime));
    const disrupted = isTrue("DisruptionTarget");
    add("disrupted", timestampSeconds(disrupted?.lastTransitionTime), words(disrupted?.reason, disrupted?.message));
    add("deleting", deletionAskedAt(pod));
  }
  add("returned", returned?.at, returnWords(returned?.id));
  if (ended) add(ended.kind, ended.at, tombstone?.message);
  return steps;
}

/** Merges both timelines in order of time. If both have a step, the event's entry stays. */
export function joinSteps(events: readonly MachineStep[], traces: readonly MachineStep[]): MachineStep[] {
  const told = new Set(events.map(({ kind }) => kind));
  return [...events, ...traces.filter(({ kind }) => !told.has(kind))].sort((one, other) =>
    one.at - other.at || MACHINE_STEPS.indexOf(one.kind) - MACHINE_STEPS.indexOf(other.kind)
  );
}

function requestWords(requestId: string | undefined, templateId: string | undefined): string {
  const of = templateId === undefined ? "" : ` of template ${templateId}`;
  return requestId === undefined ? "" : `request ${requestId}${of}`;
}

function returnWords(id: string | undefined): string {
  return id === undefined ? "" : `return request ${id}`;
}

function deletionAskedAt({ metadata }: Pod): number | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = metadata;
  if (deletionTimestamp === undefined) return undefined;
  return epochSeconds(Date.parse(deletionTimestamp)) - deletionGracePeriodSeconds;
}
