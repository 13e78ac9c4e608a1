import { describeError } from "../errors.ts";
import { epochSeconds } from "../clock.ts";
import type { ReturnRequestsAnswer } from "../hf/answers.ts";
import { parseMachineName } from "../hf/names.ts";
import { parseReturnRequests } from "../hf/questions.ts";
import { type Departure, readDepartures } from "../workdir/departures.ts";
import { readGone } from "../workdir/index/gone_machines.ts";
import { isTerminal } from "../machine/terminal.ts";
import { hadPod } from "../machine/tombstone.ts";
import { readState, readTombstone } from "../workdir/machines.ts";
import { readPodFacts, readTolerations } from "../workdir/pod_file.ts";
import { ReturnIndex } from "../workdir/index/returns.ts";
import { machinesBeingReturned } from "../workdir/returns.ts";
import {
  doubtSyncStatus,
  readSyncStatus,
  SYNC_LIFETIME_SECONDS,
  type SyncStatus,
} from "../workdir/index/sync_status.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import { machineNames } from "./machine_names.ts";
import { nodeGrace } from "./node_grace.ts";
import { type Provider, withService } from "./provider.ts";

/**
 * Which machines the cluster has taken away or is taking away. Symphony drops every machine that is named, so one is named
 * only if the work directory shows that it is gone or going, and only while the view of the cluster can be believed.
 */
export function getReturnRequests(provider: Provider, input: unknown): ReturnRequestsAnswer {
  const named = parseReturnRequests(input);
  provider.workdir.check({ reads: true });
  return provider.workdir.asOwner(() => nameMachines(provider, named));
}

function nameMachines(provider: Provider, named: ReturnType<typeof parseReturnRequests>): ReturnRequestsAnswer {
  const { workdir, clock } = provider;
  const now = epochSeconds(clock.now());
  const view = readSyncStatus(workdir, "pods");
  const doubt = doubtSyncStatus(view, now);
  if (doubt) return { status: "complete", message: withService(provider, ["pods"], `${doubt}.`), requests: [] };
  const requests: ReturnRequestsAnswer["requests"] = [];
  const unknown: string[] = [];
  const clusterNow = now + (view?.clusterAheadSeconds ?? 0);
  const { departures, doubt: nodeDoubt } = nodesAboutToGo(workdir, now);
  for (const machine of named ? machineNames(workdir, named) : ownMachines(workdir, clock.now())) {
    const grace = unlessBroken(() => graceLeft(workdir, machine, { now: clusterNow, hostNow: now, departures }));
    if (grace === "unknown") unknown.push(machine);
    else if (grace !== undefined) requests.push({ machine, gracePeriod: grace });
  }
  const said = message(requests.length, { unknown, nodeDoubt });
  return { status: "complete", message: withService(provider, ["pods"], said), requests };
}

/** Sites may do without nodes, and no trouble with them stands in the way of what is known of pods. */
function nodesAboutToGo(workdir: Workdir, now: number): { departures: Map<string, Departure>; doubt?: string } {
  const none = new Map<string, Departure>();
  try {
    const view = readSyncStatus(workdir, "nodes");
    const doubt = view && doubtNodes(view, now);
    if (doubt !== undefined) return { departures: none, doubt };
    return { departures: view ? readDepartures(workdir) : none };
  } catch (error) {
    return { departures: none, doubt: describeError(error) };
  }
}

/** The cluster itself is heard from: its pods are believed. */
function doubtNodes(view: SyncStatus, now: number): string | undefined {
  const age = now - view.heardAt;
  if (age <= SYNC_LIFETIME_SECONDS) return doubtSyncStatus(view, now);
  return `They were last heard of ${age} s ago: see the log of 'hostfactory serve' for why`;
}

/** Of a machine whose files cannot be read nothing is known; the others are answered all the same. */
function unlessBroken<T>(read: () => T): T | "unknown" {
  try {
    return read();
  } catch {
    return "unknown";
  }
}

/** Seconds until the machine is gone, 0 if it is; nothing for one that stays. `now` is the cluster's time, `hostNow` ours. */
function graceLeft(
  workdir: Workdir,
  machine: string,
  { now, hostNow, departures }: { now: number; hostNow: number; departures: Map<string, Departure> },
): number | "unknown" | undefined {
  const state = parseMachineName(machine) ? readState(workdir, machine) : undefined;
  if (state === undefined) return "unknown";
  // A node that the cluster has lost may come back with the machine: that is not gone yet.
  if (isTerminal(state)) return 0;
  const pod = readPodFacts(workdir, machine);
  if (!pod) return undefined;
  const { place, deletionAt } = pod;
  const departure = place && departures.get(place.node);
  const tolerations = () => readTolerations(workdir, machine);
  const onNode = departure && nodeGrace(departure, { ...place, tolerations }, { now, hostNow });
  if (deletionAt === undefined) return onNode;
  return Math.max(0, Math.min(deletionAt - now, onNode ?? Infinity));
}

function message(found: number, { unknown, nodeDoubt }: { unknown: string[]; nodeDoubt: string | undefined }): string {
  const said = [found === 0 ? "No machine is to be returned." : "Machines to be terminated."];
  if (nodeDoubt !== undefined) said.push(`Whether nodes are about to go is not known. ${nodeDoubt}.`);
  if (unknown.length > 0) {
    const some = unknown.slice(0, 5).map((name) => `'${name.slice(0, 80)}'`).join(", ");
    said.push(`${unknown.length} machine(s) are not known here and were left out: ${some}`);
  }
  return said.join(" ");
}

/** Every machine that once had a pod and that Symphony has not given back itself. */
function ownMachines(workdir: Workdir, nowMs: number): string[] {
  const gone = readGone(workdir);
  if (gone === undefined) return searchedMachines(workdir, nowMs);
  const beingReturned = machinesBeingReturned(workdir);
  const withPods = workdir.names(workdir.layout.pods).filter((machine) => !beingReturned.has(machine));
  return [...new Set([...withPods, ...gone])].filter((machine) => mayHaveHadPod(workdir, machine));
}

/** The same where `serve` has not kept which are gone: every machine that ever was is looked at. */
function searchedMachines(workdir: Workdir, nowMs: number): string[] {
  const returns = new ReturnIndex(workdir);
  returns.refresh(nowMs);
  return workdir.names(workdir.layout.podsStatus)
    .filter((machine) => !returns.has(machine) && mayHaveHadPod(workdir, machine));
}

/** False only for a machine whose tombstone says that it never had a pod. */
function mayHaveHadPod(workdir: Workdir, machine: string): boolean {
  const record = unlessBroken(() => readTombstone(workdir, machine));
  return !record || record === "unknown" || hadPod(record);
}
