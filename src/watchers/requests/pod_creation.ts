import { timestampSeconds } from "../../clock.ts";
import { HostFactoryError } from "../../errors.ts";
import { isRetryable, KubeError } from "../../kube/errors.ts";
import type { Pod } from "../../kube/types.ts";
import { logger } from "../../log.ts";
import { buildPod, lostMarks, type OrderedPod } from "../../templates/podspec.ts";
import { type Ending, endRejected } from "../../machine/ending.ts";
import type { ActiveRequest, PendingMachine } from "./active_request.ts";
import { findOurs, isAsOrdered, isOurs, isUnmarked } from "../work/ownership.ts";
import type { Dependencies } from "../dependencies.ts";

const log = logger("request-machines");

/**
 * Creates the pod of a machine. One that exists already and is ours is a success, whatever the server says against another.
 * @returns how the machine has ended, if its pod has to go again at once
 * @throws KubeError if the pod is not there
 */
export async function createPod(
  dependencies: Dependencies,
  request: ActiveRequest,
  machine: PendingMachine,
): Promise<Ending | undefined> {
  const { kube, signal } = dependencies;
  const { name, mayExist } = machine;
  const { id } = request;
  const pod = machine.pod ?? podOf(dependencies, request, machine);
  machine.mayExist = true;
  try {
    const stored = await kube.createPod(pod, { signal });
    log.debug("Pod created", { machine: name });
    return rejectUnmarked({ name, pod, stored });
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.kind !== "alreadyExists") {
      // Quota and policy speak before anybody looks whether the pod is there: its first answer may have been lost.
      if (isRetryable(error) || !mayExist || !await findOurs(dependencies, name, { signal })) throw error;
      return undefined;
    }
    const existing = await kube.getPod(name, { signal });
    if (isOurs(existing, { owner: dependencies, hasRequest: (requestId) => requestId === id })) return undefined;
    if (!isAsOrdered(dependencies, name, existing)) {
      throw new KubeError("invalid", `Cannot create pod '${name}': a pod of that name exists and is not ours`);
    }
    // An earlier create made it, and was not answered.
    return isUnmarked(existing) ? rejectUnmarked({ name, pod, stored: existing }) : undefined;
  }
}

/** The pod of a machine, as its request has it. @throws HostFactoryError if the request has no manifest */
export function podOf(
  { instance, identity }: Pick<Dependencies, "instance" | "identity">,
  { id, count, record, manifest }: ActiveRequest,
  { name, index }: PendingMachine,
): OrderedPod {
  if (!manifest) throw new HostFactoryError(`Cannot create pod '${name}': its request has no manifest`);
  const { templateId, requestedAt, up } = record ?? {};
  const asked = { requestId: id, count, templateId, requestedAt, up };
  return buildPod(manifest, { ...asked, machine: name, index, instance, workdir: identity.id });
}

/** A pod that the cluster does not store with our marks would be lost to us sooner or later, and run for ever: it has to go. */
function rejectUnmarked({ name, pod, stored }: { name: string; pod: OrderedPod; stored: Pod }): Ending | undefined {
  const lost = lostMarks(pod, stored);
  if (lost.length === 0) return undefined;
  const message = `The cluster stores the pod without ${
    lost.join(", ")
  }: exempt these from the webhook that drops them`;
  const { state, tombstone } = endRejected(name, message);
  const { uid, creationTimestamp } = stored.metadata;
  const launchtime = timestampSeconds(creationTimestamp);
  return { machine: name, state, tombstone: { ...tombstone, uid, launchtime }, pod: stored };
}
