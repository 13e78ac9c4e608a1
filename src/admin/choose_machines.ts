import type { MachineState } from "../hf/status.ts";
import type { PicturedMachine } from "./picture_of_machine.ts";
import type { PicturedRequest } from "./picture_of_requests.ts";

/** Which machines or requests are wanted. An absent field lets all of them through. */
export interface MachineFilter {
  states?: readonly MachineState[] | undefined;
  templates?: readonly string[] | undefined;
  nodes?: readonly string[] | undefined;
  /** Ids of requests, or of return requests. */
  requests?: readonly string[] | undefined;
  /** How long machines have been in their state, or how old requests are, in seconds. */
  olderThan?: number | undefined;
  youngerThan?: number | undefined;
}

/** What a list is sorted by. Equal machines are in the order of their names, so that lists are stable. */
export type SortKey = "name" | "state" | "age" | "template" | "node";

/** The machines that the filter lets through, sorted. @param options `now`: seconds since the epoch */
export function chooseMachines(
  machines: readonly PicturedMachine[],
  filter: MachineFilter,
  { now, sort }: { now: number; sort: SortKey },
): PicturedMachine[] {
  const { states, templates, nodes, requests } = filter;
  const chosen = machines.filter(({ state, templateId, node, requestId, returnId, since }) =>
    (states?.includes(state) ?? true) && (templates?.includes(templateId) ?? true) && (nodes?.includes(node) ?? true) &&
    (requests === undefined || requests.includes(requestId) || requests.includes(returnId ?? "")) &&
    hasWantedAge(since, filter, now)
  );
  if (sort === "name") return chosen; // As the picture has them.
  const keyOf = ({ state, templateId, node, since }: PicturedMachine) =>
    sort === "state" ? state : sort === "template" ? templateId : sort === "node" ? node : since ?? -Infinity;
  return chosen.sort((one, other) => {
    const [a, b] = [keyOf(one), keyOf(other)];
    return a < b ? -1 : a > b ? 1 : 0;
  });
}

/**
 * The requests or return requests that the filter lets through, in order of their ids.
 * @param options `now`: seconds since the epoch
 */
export function chooseRequests(
  requests: readonly PicturedRequest[],
  filter: Pick<MachineFilter, "templates" | "requests" | "olderThan" | "youngerThan">,
  { now }: { now: number },
): PicturedRequest[] {
  return requests.filter(({ id, templateId, requestedAt }) =>
    (filter.templates?.includes(templateId) ?? true) && (filter.requests?.includes(id) ?? true) &&
    hasWantedAge(requestedAt, filter, now)
  );
}

/** True if the age is within the filter's limits. If it is not known, it is within them only if there are none. */
function hasWantedAge(
  since: number | undefined,
  { olderThan, youngerThan }: Pick<MachineFilter, "olderThan" | "youngerThan">,
  now: number,
): boolean {
  if (olderThan === undefined && youngerThan === undefined) return true;
  if (since === undefined) return false;
  return now - since >= (olderThan ?? -Infinity) && now - since <= (youngerThan ?? Infinity);
}
