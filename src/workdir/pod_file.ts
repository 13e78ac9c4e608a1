import * as v from "valibot";
import { timestampSeconds } from "../clock.ts";
import { HostFactoryError } from "../errors.ts";
import type { Pod } from "../kube/types.ts";
import type { PodFacts, PodNotes } from "../machine/pod_facts.ts";
import { startedAt } from "../machine/waiting.ts";
import { legacyMetadata } from "./legacy_metadata.ts";
import { FiniteNumber, parseRecord, readParsed, readRecord } from "./store/record.ts";
import type { Workdir } from "./store/workdir.ts";

const NotesSchema = v.object({
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

/** What others rely on in a pod that a file holds, whichever program wrote it. */
const PodSchema = v.object({
  metadata: v.object({
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
    containerStatuses: v.optional(v.nullable(v.array(v.object({})))),
  })),
  hostfactory: v.optional(NotesSchema),
});

type CheckedPod = v.InferOutput<typeof PodSchema>;

/** The pod as it was parsed, with all that is not looked at here: there may be thousands, and none is copied. */
const WholePodSchema = v.custom<CheckedPod>((pod) => v.is(PodSchema, pod));

/** The first line of a pod file, but for its last comma: what is read of thousands, and how many characters follow it. */
const HeadSchema = v.object({
  hostfactory: v.object({
    rest: FiniteNumber,
    uid: v.string(),
    resourceVersion: v.optional(v.string()),
    privateIpAddress: v.string(),
    createdAt: v.optional(FiniteNumber),
    startedAt: v.optional(FiniteNumber),
    deletionAt: v.optional(FiniteNumber),
    place: v.optional(v.object({ node: v.string(), graceSeconds: FiniteNumber })),
    ...NotesSchema.entries,
  }),
});

/** What Kubernetes gives a pod that does not say, in seconds (source: API reference, `terminationGracePeriodSeconds`). */
const DEFAULT_GRACE_SECONDS = 30;

/** A pod as its file has it, with our notes on it. */
export type PodFile = Pod & { hostfactory?: PodNotes };

/**
 * The text of a pod file: the pod as the API server sent it, without the bookkeeping of its fields, and beside our
 * camelCase the keys that the legacy plug-in reads (source: `interface.md`, "Work directory"). Its first line has what is read
 * most, so that the rest need not be parsed for it.
 */
export function podFileText(pod: Pod, notes: PodNotes = {}): string {
  const text = JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    ...pod,
    api_version: "v1",
    metadata: legacyMetadata(pod.metadata),
    spec: { ...pod.spec, node_name: pod.spec.nodeName ?? null },
    status: { ...pod.status, pod_ip: pod.status?.podIP ?? null, host_ip: pod.status?.hostIP ?? null },
  });
  const rest = `${text.slice(1)}\n`;
  const head = JSON.stringify({ rest: rest.length, ...factsOf(pod as CheckedPod, notes) });
  return `{"hostfactory":${head},\n${rest}`;
}

/** The pod that a machine's file holds, whichever program wrote it; `undefined` if there is none that can be read. */
export function readPodFile(workdir: Workdir, machine: string): PodFile | undefined {
  return readParsed(workdir, workdir.layout.pod(machine), (text) => {
    const pod = parseRecord(WholePodSchema, text);
    if (!pod?.spec || !pod.status) return undefined;
    const { metadata, status } = pod; // Of our own making, as it was just parsed.
    if (metadata.creation_timestamp) {
      metadata.creationTimestamp ??= new Date(metadata.creation_timestamp * 1000).toISOString();
    }
    if (status.pod_ip) status.podIP ??= status.pod_ip;
    return pod as unknown as PodFile;
  });
}

/** The facts of a machine's pod file, whichever program wrote it; `undefined` if there is none that can be read. */
export function readPodFacts(workdir: Workdir, machine: string): PodFacts | undefined {
  return readParsed(workdir, workdir.layout.pod(machine), (text) => {
    const head = headOf(text);
    if (head) return head;
    const pod = parseRecord(WholePodSchema, text);
    return pod && factsOf(pod, pod.hostfactory && v.parse(NotesSchema, pod.hostfactory));
  });
}

/**
 * What a machine's pod tolerates, as its file has it.
 * @throws HostFactoryError if there is no file that can be read
 */
export function readTolerations(workdir: Workdir, machine: string): unknown {
  const path = workdir.layout.pod(machine);
  const pod = readRecord(workdir, path, WholePodSchema);
  if (!pod) throw new HostFactoryError(`Cannot tell what a pod tolerates: '${path}' cannot be read`);
  return pod.spec?.tolerations;
}

/** Nothing if the file has none, or is not as it was written. */
function headOf(text: string): PodFacts | undefined {
  const end = text.indexOf("\n");
  if (!text.startsWith('{"hostfactory":') || !text.endsWith("}\n")) return undefined;
  const head = parseRecord(HeadSchema, `${text.slice(0, end - 1)}}`)?.hostfactory;
  if (head?.rest !== text.length - end - 1) return undefined;
  const { rest: _, place, ...facts } = head;
  return place ? { ...facts, place } : facts;
}

function factsOf({ metadata, spec = {}, status = {} }: CheckedPod, notes: PodNotes | undefined): PodFacts {
  const node = spec.nodeName ?? spec.node_name;
  const graceSeconds = spec.terminationGracePeriodSeconds ?? spec.termination_grace_period_seconds ??
    DEFAULT_GRACE_SECONDS;
  return {
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    privateIpAddress: status.podIP ?? status.pod_ip ?? "",
    createdAt: metadata.creation_timestamp ?? timestampSeconds(metadata.creationTimestamp),
    startedAt: startedAt({ status } as Pod),
    deletionAt: metadata.deletion_timestamp ?? timestampSeconds(metadata.deletionTimestamp),
    ...notes,
    ...(node ? { place: { node, graceSeconds } } : {}),
  };
}
