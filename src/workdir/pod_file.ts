import * as v from "valibot";
import type { Pod } from "../kube/types.ts";
import type { PodNotes } from "../machine/pod_facts.ts";
import { PodNotesSchema } from "./machines.ts";
import { readRecord } from "./store/record.ts";
import type { Workdir } from "./store/workdir.ts";

/** What others rely on in a pod that a file holds. */
const PodSchema = v.object({
  metadata: v.object({
    uid: v.string(),
    creationTimestamp: v.optional(v.string()),
    creation_timestamp: v.optional(v.nullable(v.number())),
  }),
  spec: v.object({}),
  status: v.object({
    podIP: v.optional(v.string()),
    pod_ip: v.optional(v.nullable(v.string())),
  }),
  hostfactory: v.optional(PodNotesSchema),
});

/** The pod as it was parsed, with all that is not looked at here: there may be thousands, and none is copied. */
const WholePodSchema = v.custom<v.InferOutput<typeof PodSchema>>((pod) => v.is(PodSchema, pod));

/** A pod as its file has it, with our notes on it. */
export type PodFile = Pod & { hostfactory?: PodNotes };

/** The pod that a machine's file holds, whichever program wrote it; `undefined` if there is none that can be read. */
export function readPodFile(workdir: Workdir, machine: string): PodFile | undefined {
  const pod = readRecord(workdir, workdir.layout.pod(machine), WholePodSchema);
  if (!pod) return undefined;
  const { metadata, status } = pod; // Of our own making, as it was just parsed.
  if (metadata.creationTimestamp === undefined && metadata.creation_timestamp) {
    metadata.creationTimestamp = new Date(metadata.creation_timestamp * 1000).toISOString();
  }
  if (status.podIP === undefined && status.pod_ip) status.podIP = status.pod_ip;
  return pod as unknown as PodFile;
}
