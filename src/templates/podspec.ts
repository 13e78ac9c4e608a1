import * as v from "valibot";
import { LABEL_VALUE } from "../config.ts";
import { MOST_MACHINES } from "../hf/names.ts";
import type { Manifest } from "./manifest.ts";

/** The labels by which the cluster remembers what a pod is for (`docs/work-directory.md`, "What the cluster sees"). */
export const PodLabel = {
  app: "app",
  request: "symphony/hostfactory-reqid",
  instance: "symphony/hostfactory-instance",
  workdir: "symphony/hostfactory-workdir",
  template: "symphony/hostfactory-template",
} as const;
export const REQUEST_ANNOTATION = "symphony/hostfactory-request";
/** Set on the pod of a machine that Symphony has given back, if the pod stays for a while. */
export const RETURN_ANNOTATION = "symphony/hostfactory-return";

const Seconds = v.pipe(v.number(), v.finite());

/** What the cluster remembers of the request that a pod was made for: the JSON of `REQUEST_ANNOTATION`. */
export const RequestMemorySchema = v.object({
  templateId: v.optional(v.string()),
  count: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MOST_MACHINES)),
  /** The machine's index in its request. */
  index: v.optional(v.number()),
  requestedAt: v.optional(Seconds),
  /** The machine counts as up once its pod has been Ready; else once it runs. */
  up: v.optional(v.literal("Ready")),
});
export type RequestMemory = v.InferOutput<typeof RequestMemorySchema>;

/** What the cluster remembers of the return request that a machine is in: the JSON of `RETURN_ANNOTATION`. */
export const ReturnMemorySchema = v.object({
  id: v.string(),
  requestedAt: v.optional(Seconds),
  /** Of pod and return request, by the work directory that wrote it: see `Identity`. */
  signature: v.optional(v.string()),
});
export type ReturnMemory = v.InferOutput<typeof ReturnMemorySchema>;

/** The machine that a pod is made for. */
export interface PodOrder {
  /** The machine's name, which becomes the pod's. */
  machine: string;
  requestId: string;
  /** The machine's place in its request, from 0. */
  index: number;
  /** Machines in the request. */
  count: number;
  /** Unknown for a request that the legacy plug-in wrote. */
  templateId: string | undefined;
  /** Seconds since the epoch; unknown as above. */
  requestedAt: number | undefined;
  /** See `RequestMemorySchema`. */
  up?: "Ready" | undefined;
  /** The provider instance that the pod belongs to. */
  instance: string;
  /** The identity of the work directory that has it made. */
  workdir: string;
}

/** A pod as it is sent to the cluster. */
export type OrderedPod = Omit<Manifest, "metadata"> & {
  metadata: { name: string; labels: Record<string, string>; annotations: Record<string, string> };
  spec: Manifest["spec"];
};

/** Which of the labels and annotations by which we know our pods were not stored as we sent them. */
export function lostMarks(
  sent: OrderedPod,
  stored: { metadata: { labels?: Record<string, string>; annotations?: Record<string, string> } },
): string[] {
  const { labels = {}, annotations = {} } = stored.metadata;
  const marks = [PodLabel.request, PodLabel.instance, PodLabel.workdir];
  const lost = marks.filter((label) => labels[label] !== sent.metadata.labels[label]).map((label) =>
    `label '${label}'`
  );
  const isNoted = annotations[REQUEST_ANNOTATION] === sent.metadata.annotations[REQUEST_ANNOTATION];
  return isNoted ? lost : [...lost, `annotation '${REQUEST_ANNOTATION}'`];
}

/** The pod for one machine: the manifest as it is, except for the name, our labels and our annotation. */
export function buildPod(manifest: Manifest, order: PodOrder): OrderedPod {
  const { machine, requestId, index, count, templateId, requestedAt, up, instance, workdir } = order;
  const labels: Record<string, string> = {
    ...manifest.metadata?.labels,
    [PodLabel.app]: machine,
    [PodLabel.request]: requestId,
    [PodLabel.instance]: instance,
    [PodLabel.workdir]: workdir,
  };
  if (templateId !== undefined && LABEL_VALUE.test(templateId)) labels[PodLabel.template] = templateId;
  const annotations = {
    ...manifest.metadata?.annotations,
    [REQUEST_ANNOTATION]: JSON.stringify({ templateId, count, index, requestedAt, up }),
  };
  return { ...manifest, metadata: { ...manifest.metadata, name: machine, labels, annotations } };
}
