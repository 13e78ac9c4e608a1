import { Budget } from "../budget.ts";
import { epochSeconds } from "../clock.ts";
import { describeError, HostFactoryError } from "../errors.ts";
import { isNotFound } from "../files.ts";
import type { NewEvent } from "../events/types.ts";
import type { RequestAnswer } from "../hf/answers.ts";
import { machineName } from "../hf/names.ts";
import { parseRequestMachines } from "../hf/questions.ts";
import { logger } from "../log.ts";
import { findTemplate, manifestPath, NO_LIMIT, readCatalogue, type Template } from "../templates/catalogue.ts";
import { parseManifest } from "../templates/manifest.ts";
import { claimRequest } from "../workdir/claim.ts";
import { writeFirstState } from "../workdir/machines.ts";
import { addRequest, isProcessed, isSameRequest, type NewRequest, readRequestRecord } from "../workdir/requests.ts";
import { Capacity } from "./capacity.ts";
import { freshRequestId } from "./request_id.ts";
import { type Provider, withService } from "./provider.ts";

/** Accepts a request for machines; `serve` creates their pods. On disk, whole, when this returns. */
export async function requestMachines(provider: Provider, input: unknown): Promise<RequestAnswer> {
  const { workdir } = provider;
  const { templateId, count } = parseRequestMachines(input);
  await workdir.prepare();
  const id = freshRequestId(provider);
  // Asked again, it is the same request, whatever has become of its template since.
  if (!await isSameRequest(workdir, { id, templateId, count })) await add(provider, { id, templateId, count });
  recordRequest(provider, { id, templateId, count });
  if (!isProcessed(workdir, id)) {
    await writeFirstStates(provider, Array.from({ length: count }, (_, index) => machineName(id, index)));
  }
  return { message: withService(provider, ["request-machines", "pods"], "Success"), requestId: id };
}

async function add(provider: Provider, wanted: { id: string; templateId: string; count: number }): Promise<void> {
  const { config, workdir, files, clock } = provider;
  const catalogue = readCatalogue(files, config.confdir);
  const template = findTemplate(catalogue, wanted.templateId);
  const taken = await snapshot(provider, template);
  const request = { ...wanted, requestedAt: epochSeconds(clock.now()), ...taken };
  const budget = new Budget(clock, { restPerTurn: 0 });
  if (template.maxNumber === NO_LIMIT) return await addRequest(workdir, request, { budget });
  const capacity = new Capacity(provider, catalogue);
  try {
    await claimRequest(workdir, request, { check: () => capacity.check(template, wanted.count), clock, budget });
  } finally {
    capacity.save();
  }
}

/**
 * Records the request and its machines as events, with the time of the request's record. A verb that is asked again for the
 * same request records the same events again, for the first process may have died before it recorded them. A request of the
 * legacy plug-in has no record, and needs none of this: the plug-in has recorded its own events.
 */
function recordRequest(
  { events, workdir }: Provider,
  { id, templateId, count }: { id: string; templateId: string; count: number },
): void {
  const at = events && readRequestRecord(workdir, id)?.requestedAt;
  if (at === undefined) return;
  const requested = { status: "requested", request_id: id, template_id: templateId } as const;
  events?.record([
    { category: "request", id, pairs: { count, template_id: templateId }, at },
    ...Array.from({ length: count }, (_, index): NewEvent => (
      { category: "pod", id: machineName(id, index), pairs: requested, at }
    )),
  ]);
}

/**
 * The template as it is now: what counts as up, what it says to extensions, and its pod manifest as JSON; with labels, for the legacy plug-in reads it
 * as its own and sets some.
 */
async function snapshot(
  provider: Provider,
  template: Template,
): Promise<Pick<NewRequest, "manifest" | "up" | "extensions">> {
  const path = manifestPath(provider.config.confdir ?? "", template);
  const manifest = await parseManifest(readManifestText(provider, path), path);
  const { metadata } = manifest;
  const text = JSON.stringify({ ...manifest, metadata: { ...metadata, labels: metadata?.labels ?? {} } });
  const { extensions } = template;
  return { manifest: text, up: template.up === "Ready" ? "Ready" : undefined, extensions };
}

/** The request stands by now: states that cannot be written are written by `serve`, and until then read as `creating`. */
async function writeFirstStates({ workdir, clock }: Provider, machines: string[]): Promise<void> {
  const budget = new Budget(clock, { restPerTurn: 0 });
  try {
    for (const machine of machines) {
      if (budget.isSpent) await budget.breathe();
      writeFirstState(workdir, machine);
    }
  } catch (error) {
    logger("request-machines").warn("States left to serve", { error: describeError(error) });
  }
}

function readManifestText({ files }: Provider, path: string): string {
  try {
    return files.readText(path);
  } catch (error) {
    const reason = isNotFound(error) ? "it does not exist" : (error as Error).message;
    throw new HostFactoryError(`Cannot read the pod manifest '${path}': ${reason}`, { cause: error });
  }
}
