import type { Budget } from "../budget.ts";
import { epochSeconds } from "../clock.ts";
import { HostFactoryError } from "../errors.ts";
import { readEvents } from "../events/reader.ts";
import { parseMachineName } from "../hf/names.ts";
import { SIDES } from "../machine/blame.ts";
import { nearestName } from "../nearest_name.ts";
import { eventSource } from "../workdir/events.ts";
import { readRequestRecord } from "../workdir/requests.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import type { Explanation, ExplanationContext, Finding } from "./explanation.ts";
import { explainMachine } from "./explain_machine.ts";
import { explainNode } from "./explain_node.ts";
import { explainRequest } from "./explain_request.ts";
import { commandBudget, type ReadAccess } from "./open_picture.ts";
import { lookAtService } from "./picture_of_service.ts";

/** How long a command waits for a process that writes to the events database, in milliseconds. */
const LOCK_WAIT_MS = 1_000;

/**
 * Explains one machine, request, return request or node; `undefined` if nothing is known of the name.
 * @param options `dbfile`: the events database; default: the work directory's own; `lockWaitMs`: how long to wait for a
 * process that writes to it, in milliseconds (1,000), during which this whole process is blocked; `budget`: how the
 * work is cut into turns
 */
export async function explain(
  access: ReadAccess,
  name: string,
  { dbfile, lockWaitMs = LOCK_WAIT_MS, budget = commandBudget(access.clock) }: {
    dbfile?: string | undefined;
    lockWaitMs?: number;
    budget?: Budget;
  } = {},
): Promise<Explanation | undefined> {
  const { config, workdir, files, clock } = access;
  const facts = lookAtService(workdir, clock.now());
  const source = eventSource(config, { files, dbfile, lockWaitMs });
  const found = await explainAny({ ...access, ...facts, now: epochSeconds(clock.now()), source, budget }, name);
  return found && { ...found, matter: found.matterOf && SIDES[found.matterOf] };
}

/** What to tell a user who asks for a name that is not known. */
export function unknownName({ workdir }: ReadAccess, name: string): HostFactoryError {
  const near = nearestName(name, namesIn(workdir));
  return new HostFactoryError(
    `Cannot explain '${name.slice(0, 80)}': no machine, request, return request or node has this name`,
    {
      hint: near === undefined
        ? "'hostfactory admin list-machines' shows those that there are"
        : `did you mean '${near}'?`,
    },
  );
}

async function explainAny(context: ExplanationContext, name: string): Promise<Finding | undefined> {
  const { workdir } = context;
  if (name === "" || name.startsWith(".") || name.includes("/") || name.includes("\0")) return undefined;
  const { layout } = workdir;
  if (workdir.kind(layout.request(name)) === "directory") return await explainRequest(context, name, "request");
  if (workdir.kind(layout.returnRequest(name)) === "directory") {
    return await explainRequest(context, name, "return request");
  }
  if (isMachine(workdir, name)) return await explainMachine(context, name);
  const node = await explainNode(context, name);
  if (node) return node;
  // What retention has removed is known only from events.
  const events = await readEvents(context.source, { ids: [name] }, context.budget);
  return events.some(({ category }) => category === "pod") ? await explainMachine(context, name) : undefined;
}

function isMachine(workdir: Workdir, name: string): boolean {
  const { layout } = workdir;
  const requestId = parseMachineName(name)?.requestId;
  if (requestId === undefined) return false;
  const paths = [
    layout.podStatus(name),
    layout.requestMachine(requestId, name),
    layout.pod(name),
    layout.machine(name),
  ];
  if (paths.some((path) => workdir.kind(path) !== undefined)) return true;
  const { index } = parseMachineName(name)!;
  return index < (readRequestRecord(workdir, requestId)?.count ?? 0);
}

function namesIn(workdir: Workdir): string[] {
  const { requests, returnRequests, podsStatus, nodes } = workdir.layout;
  return [requests, returnRequests, podsStatus, nodes].flatMap((directory) => workdir.names(directory));
}
