import { timestampSeconds } from "../../clock.ts";
import type { News } from "../../events/news.ts";
import type { ContainerStatus, Pod } from "../../kube/types.ts";
import { decimal } from "../../events/decimal.ts";
import { type Amounts, type ContainerResources, coresOf, mebibytesOf } from "../../kube/resources.ts";

/**
 * What a pod shows beside its steps, as far as it is new: what it asks for, the node's uid, and how its containers are.
 * @param last the machine's pod as it was seen last; absent, or another pod: all of it is news
 * @param nodeId the uid of a node, as far as it is known
 */
export function detailsOfPod(
  pod: Pod,
  last: Pod | undefined,
  { nodeId }: { nodeId: (node: string) => string | undefined },
): News[] {
  const before = last?.metadata.uid === pod.metadata.uid ? last : undefined;
  const news: News[] = before ? [] : [resources(pod)];
  const { nodeName } = pod.spec;
  const id = nodeName && before?.spec.nodeName !== nodeName ? nodeId(nodeName) : undefined;
  if (id !== undefined) news.push({ pairs: { node_id: id } });
  const containers = containerStatuses(pod);
  if (containers !== "{}" && (!before || containerStatuses(before) !== containers)) {
    news.push({ pairs: { container_statuses: containers } });
  }
  return news;
}

function resources(pod: Pod): News {
  const all = (pod.spec.containers ?? []).map((container) =>
    container["resources"] as ContainerResources | null | undefined
  );
  const requests = all.map((one) => one?.requests);
  const limits = all.map((one) => one?.limits);
  const cores = (amounts: Amounts[]) => coresOf(...amounts) === 0 ? "0" : decimal(coresOf(...amounts));
  const pairs = {
    cpu_requested: cores(requests),
    cpu_limit: cores(limits),
    memory_requested: decimal(mebibytesOf(...requests)),
    memory_limit: decimal(mebibytesOf(...limits)),
  };
  return { pairs, at: timestampSeconds(pod.metadata.creationTimestamp) };
}

function containerStatuses({ status }: Pod): string {
  return JSON.stringify(
    Object.fromEntries((status?.containerStatuses ?? []).map((container) => [container.name, statusOf(container)])),
  );
}

/** As the legacy plug-in has it: what a container lacks is left out. */
function statusOf({ ready, started, state }: ContainerStatus): Record<string, unknown> {
  const { waiting, terminated } = state ?? {};
  const word = waiting ? "Waiting" : terminated ? "Terminated" : state?.running ? "Running" : undefined;
  const reason = waiting?.reason ?? terminated?.reason;
  return { ready, started, state: word, reason, exit_code: terminated?.exitCode };
}
