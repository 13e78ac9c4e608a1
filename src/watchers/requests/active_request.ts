import type { OrderedPod } from "../../templates/podspec.ts";
import type { Manifest } from "../../templates/manifest.ts";
import type { RequestRecord, StoredRequest } from "../../workdir/requests.ts";
import type { Backlog } from "../loop.ts";
import type { Ending } from "../../machine/ending.ts";

/** A machine whose pod is still to be created. */
export interface PendingMachine {
  name: string;
  index: number;
  /** Somebody may have asked for its pod already: this process, or one before it. */
  mayExist: boolean;
  failures: number;
  /** What extensions have made of its pod; absent if none is asked, or none was yet. */
  pod?: OrderedPod;
  /** Why it is not to be created, unless its pod is there already. */
  rejected?: string;
  /** Not to be tried before, on the monotonic clock. */
  notBeforeMs: number;
}

/** What extensions are told of a request's template. */
export interface TemplateWords {
  /** Unknown if no template of today has the manifest. */
  templateId: string | undefined;
  /** By the names of extensions. */
  configuration: Readonly<Record<string, unknown>>;
}

/** A request that still has machines to create or to end. */
export interface ActiveRequest {
  id: string;
  record: RequestRecord | undefined;
  count: number;
  /** No pod of it is created any more: see `markOutdatedRequests`. */
  isOutdated: boolean;
  /** Absent if there is nothing to create. */
  manifest: Manifest | undefined;
  /** To be shown to extensions before their pods are created. */
  unprepared: PendingMachine[];
  /** How many extensions are being asked about. */
  preparing: number;
  /** What extensions are told of its template; absent until it is needed. */
  template: TemplateWords | undefined;
  /** Why an extension has refused the request: no further pod of it is created. */
  refused: string | undefined;
  /** To be tried as soon as there is a free slot, the last one first. */
  ready: PendingMachine[];
  /** To be tried again later. */
  delayed: PendingMachine[];
  /** Never to be created, which is not written down yet. */
  ending: Ending[];
  inFlight: number;
  /** The place among all starts that its last one had; 0 before the first. */
  lastStart: number;
}

/** A request of which nothing has been looked at yet. */
export function activeRequest(
  { id, record, machines }: StoredRequest,
  { isOutdated }: { isOutdated: boolean },
): ActiveRequest {
  return {
    id,
    record,
    count: record?.count ?? machines.length,
    isOutdated,
    manifest: undefined,
    template: undefined,
    refused: undefined,
    unprepared: [],
    preparing: 0,
    ready: [],
    delayed: [],
    ending: [],
    inFlight: 0,
    lastStart: 0,
  };
}

/** How many machines of a request have not come to an end here yet. */
export function openMachines({ unprepared, preparing, ready, delayed, ending, inFlight }: ActiveRequest): number {
  return unprepared.length + preparing + ready.length + delayed.length + ending.length + inFlight;
}

/** The same, with those whose pods could not be created yet. */
export function backlogOf(request: ActiveRequest): Backlog {
  const failed = [...request.ready, ...request.delayed].filter(({ failures }) => failures > 0).length;
  return { all: openMachines(request), failed };
}

/** When the first machine that waits may be tried again, on the monotonic clock; infinity if none waits. */
export function nextTryMs({ delayed }: ActiveRequest): number {
  return delayed.reduce((least, { notBeforeMs }) => Math.min(least, notBeforeMs), Infinity);
}

/** When it was asked for, in seconds since the epoch; 0 if that is not known. */
export function askedAt(request: ActiveRequest): number {
  return request.record?.requestedAt ?? 0;
}
