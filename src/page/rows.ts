import type { Picture, PicturedRequest } from "../admin/picture.ts";
import type { PicturedMachine } from "../admin/picture_of_machine.ts";
import { commonReason } from "../admin/picture_of_templates.ts";
import { version } from "../version.ts";
import type { MachineRow, RequestRow, Sections, ServiceSection } from "./messages.ts";

/** The row of a machine in a message. */
export function machineRow(machine: PicturedMachine): MachineRow {
  const { name, requestId, templateId, state, since, node, zone, waitsFor, message, until } = machine;
  const { failure, returnId, goneAt, address } = machine;
  return [
    name,
    requestId,
    templateId,
    state,
    since ?? null,
    node,
    zone,
    waitsFor ?? message,
    until ?? null,
    failure ?? "",
    returnId ?? "",
    goneAt ?? null,
    address,
  ];
}

export function isSameRow(one: MachineRow, other: MachineRow): boolean {
  return one.every((value, i) => value === other[i]);
}

/** What is wrong with the process that serves the page, as sentences. */
export interface Troubles {
  /** Why it is not the owner, or may soon not be; absent otherwise. */
  tenure: string | undefined;
  others: readonly string[];
}

/** The sections that come from the picture alone. */
export function sectionsOf(
  picture: Picture,
  troubles: Troubles,
): Pick<Sections, "service" | "templates" | "requests" | "nodes"> {
  return {
    service: serviceOf(picture, troubles),
    templates: picture.templates.map(({ templateId, running, waiting, failed, room }) => ({
      templateId,
      running,
      waiting,
      failed,
      room: room ?? null,
    })),
    requests: requestsOf(picture),
    nodes: picture.nodes.flatMap(({ name, leaving, goneAt }) =>
      leaving === undefined ? [] : [{ name, reason: leaving, goneAt: goneAt ?? null }]
    ),
  };
}

function serviceOf({ service, problems }: Picture, { tenure, others }: Troubles): ServiceSection {
  const { workdir, instance = "", server, cluster, heardAt, notServed, doubt, quarantined } = service;
  const broken = quarantined.length === 0
    ? []
    : [`${quarantined.length} entries of the work directory are quarantined: ${quarantined.slice(0, 3).join(", ")}`];
  // If the directory is not served, the trouble with tenure would only say so a second time.
  const all = [notServed ?? tenure, doubt, ...others, ...problems, ...broken].filter((text) => text !== undefined);
  return {
    version,
    workdir,
    instance,
    server: server ? `process ${server.pid} on ${server.host}` : "",
    since: server?.since ?? null,
    cluster: cluster?.server ?? "",
    namespace: cluster?.namespace ?? "",
    heardAt: heardAt ?? null,
    troubles: [...new Set(all)],
  };
}

/** Requests and return requests: first those that are not complete, and within each part the latest first. */
function requestsOf({ requests, returns, machines }: Picture): RequestRow[] {
  const waiting = Map.groupBy(machines.filter(({ waitsFor }) => waitsFor !== undefined), ({ requestId }) => requestId);
  const wereUp = machines.filter(({ result, returnId }) => result === "succeed" && returnId !== undefined);
  const returned = Map.groupBy(wereUp, ({ requestId }) => requestId);
  return [...requests, ...returns]
    .sort((a, b) => Number(isOver(a)) - Number(isOver(b)) || (b.requestedAt ?? 0) - (a.requestedAt ?? 0))
    .map((request) => {
      const waitsFor = commonReason(waiting.get(request.id) ?? [], "waits")?.text ?? "";
      return requestRow(request, { waitsFor, returned: returned.get(request.id)?.length ?? 0 });
    });
}

function isOver({ counts }: PicturedRequest): boolean {
  return counts.executing === 0;
}

function requestRow(
  request: PicturedRequest,
  { waitsFor, returned }: { waitsFor: string; returned: number },
): RequestRow {
  const { id, kind, templateId, requestedAt, machines, counts, until } = request;
  return {
    id,
    kind,
    templateId,
    requestedAt: requestedAt ?? null,
    machines,
    done: counts.succeed,
    failed: counts.fail,
    returned,
    waitsFor,
    until: counts.executing > 0 ? until ?? null : null,
  };
}
