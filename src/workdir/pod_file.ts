import * as v from "valibot";
import type { Pod } from "../kube/types.ts";
import type { PodNotes } from "../machine/pod_facts.ts";
import { PodNotesSchema } from "./machines.ts";
import { readRecord } from "./store/record.ts";
import type { Workdir } from "./store/workdir.ts";

const PodSchema = v.looseObject({
  metadata: v.looseObject({
    uid: v.string(),
    creationTimestamp: v.optional(v.string()),
    creation_timestamp: v.optional(v.nullable(v.number())),
  }),
  spec: v.looseObject({}),
  status: v.looseObject({
    podIP: v.optional(v.string()),
    pod_ip: v.optional(v.nullable(v.string())),
  }),
  hostfactory: v.optional(PodNotesSchema),
});

/** A pod as its file has it, with our notes on it. */
export type PodFile = Pod & { hostfactory?: PodNotes };

/** The pod that a machine's file holds, whichever program wrote it; `undefined` if there is none that can be read. */
export function readPodFile(workdir: Workdir, machine: string): PodFile | undefined {
  const pod = readRecord(workdir, workdir.layout.pod(machine), PodSchema);
  if (!pod) return undefined;
  const { metadata, status } = pod; // Of our own making, as it was just parsed: there may be thousands, and none is copied.
  if (metadata.creationTimestamp === undefined && metadata.creation_timestamp) {
    metadata.creationTimestamp = new Date(metadata.creation_timestamp * 1000).toISOString();
  }
  if (status.podIP === undefined && status.pod_ip) status.podIP = status.pod_ip;
  return pod as unknown as PodFile;
}
