import * as v from "valibot";
import { readDepartures } from "../workdir/departures.ts";
import { readState } from "../workdir/machines.ts";
import { readPodFacts } from "../workdir/pod_file.ts";
import { readRecord } from "../workdir/store/record.ts";
import { inTurns } from "./in_turns.ts";
import type { ExplanationContext, Finding } from "./explanation.ts";
import { words } from "../machine/failure_reason.ts";
import { timestampSeconds } from "../clock.ts";
import type { Step } from "./timeline.ts";

const Text = v.optional(v.nullable(v.string()));

const NodeSchema = v.object({
  metadata: v.object({ creationTimestamp: Text, labels: v.optional(v.nullable(v.record(v.string(), v.string()))) }),
  spec: v.optional(v.object({ unschedulable: v.optional(v.nullable(v.boolean())) })),
  status: v.optional(v.object({
    conditions: v.optional(
      v.array(
        v.object({ type: v.string(), status: v.string(), reason: Text, message: Text, lastTransitionTime: Text }),
      ),
    ),
  })),
});
type StoredNode = v.InferOutput<typeof NodeSchema>;

/** Explains a node; `undefined` if there is none of that name. Searches every pod file for the name. */
export async function explainNode(context: ExplanationContext, name: string): Promise<Finding | undefined> {
  const { workdir, service, now } = context;
  const node = readRecord(workdir, workdir.layout.node(name), NodeSchema);
  const departure = readDepartures(workdir).get(name);
  const machines = await machinesOn(context, name);
  if (!node && !departure && machines.length === 0) return undefined;
  const labels = node?.metadata.labels ?? {};
  const facts = {
    machines: String(machines.length),
    zone: labels["topology.kubernetes.io/zone"] ?? "",
    type: labels["node.kubernetes.io/instance-type"] ?? "",
  };
  const isUnwell = departure !== undefined || notReady(node) !== undefined;
  return {
    kind: "node",
    name,
    at: now,
    now: nowText(node, departure?.reason),
    matterOf: isUnwell ? "cluster" : undefined,
    waitsFor: undefined,
    until: departure?.goneAt,
    facts: Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== "")),
    timeline: timelineOf(node),
    next: [
      `kubectl describe node ${name}`,
      `hostfactory admin list-machines --node ${name}`,
      ...machines.slice(0, 1).map((machine) => `hostfactory explain ${machine}`),
    ],
    doubt: service.notServed ?? service.doubt,
    gap: undefined,
  };
}

async function machinesOn({ workdir, budget }: ExplanationContext, node: string): Promise<string[]> {
  const mark = JSON.stringify(node);
  const machines: string[] = [];
  await inTurns({ workdir, budget }, workdir.names(workdir.layout.pods), (machine) => {
    // Most machines are not on it, so only the files that contain its name are parsed.
    if (!workdir.readText(workdir.layout.pod(machine))?.includes(mark)) return;
    const isThere = readPodFacts(workdir, machine)?.place?.node === node && readState(workdir, machine) !== "deleted";
    if (isThere) machines.push(machine);
  });
  return machines.sort();
}

function notReady(node: StoredNode | undefined) {
  return node?.status?.conditions?.find(({ type, status }) => type === "Ready" && status !== "True");
}

function nowText(node: StoredNode | undefined, leaving: string | undefined): string {
  if (leaving !== undefined) return `The node is about to go: it is ${leaving}`;
  if (!node) return "Nothing is known of the node but that machines are on it";
  const unready = notReady(node);
  if (unready) return `The node is not ready: ${words(unready.reason ?? undefined, unready.message ?? undefined)}`;
  return node.spec?.unschedulable ? "The node is cordoned: it takes no new pods" : "The node is well";
}

function timelineOf(node: StoredNode | undefined): Step[] {
  const steps: Step[] = [];
  const joinedAt = timestampSeconds(node?.metadata.creationTimestamp);
  if (joinedAt !== undefined) steps.push({ at: joinedAt, what: "It joined the cluster", words: "" });
  for (const { type, status, reason, message, lastTransitionTime } of node?.status?.conditions ?? []) {
    const at = timestampSeconds(lastTransitionTime);
    const isNews = type === "Ready" || status === "True";
    if (at === undefined || !isNews) continue;
    steps.push({ at, what: `${type} is ${status}`, words: words(reason ?? undefined, message ?? undefined) });
  }
  return steps.sort((one, other) => one.at - other.at);
}
