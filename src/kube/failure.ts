import { KubeError, type KubeErrorKind } from "./errors.ts";
import type { Status } from "./types.ts";

/** An answer that reports a failure. */
export interface FailedAnswer {
  /** The HTTP status. */
  code: number;
  /** The text of the body, or the Status that an ERROR event carried. */
  body: string | Status;
  /** The `Retry-After` header: seconds, or a date (which is not read). */
  retryAfter?: string | null;
  /** `POST`, `GET` and so on. */
  method: string;
  /** Whose credentials were used, in words. */
  source: string;
}

/** How long to wait after an answer `throttled` that does not say how long, in milliseconds. */
const DEFAULT_RETRY_MS = 1_000;

/**
 * The error for a failed answer: its kind, with the API server's own words as the message.
 *
 * Only an answer of the API server itself (a JSON object of kind Status) says anything about objects: a 404 or 400 from
 * a proxy or load balancer says nothing about a pod.
 */
export function sortFailure(answer: FailedAnswer): KubeError {
  const { code, source } = answer;
  const status = typeof answer.body === "string" ? parseStatus(answer.body) : answer.body;
  const kind = kindOf(answer, status);
  const retryAfterMs = retryAfterOf(answer, status);
  const waits = kind === "throttled" ? { retryAfterMs: retryAfterMs ?? DEFAULT_RETRY_MS } : { retryAfterMs };
  const words = status?.message || plainWords(answer.body) || "it does not say why";
  const message = status?.message ? status.message : `The API server answered ${code}: ${words}`;
  return new KubeError(
    kind,
    code === 401 ? `The API server does not accept the credentials of ${source}: ${words}` : message,
    {
      ...(waits.retryAfterMs === undefined ? {} : { retryAfterMs: waits.retryAfterMs }),
      ...hintFor(code, kind, { status, source }),
    },
  );
}

/** True if the API server itself says that RBAC does not grant us a call; any other refusal may be temporary. */
export function isNotGranted(error: unknown): boolean {
  return error instanceof KubeError && error.kind === "unauthorised" && NOT_GRANTED.test(error.message);
}

/**
 * How RBAC words its refusals (source:
 * `staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go`).
 */
const NOT_GRANTED = / cannot [a-z*]+ resource | cannot impersonate | cannot [a-z]+ path /;

/**
 * True if the API server does not know the path that was called: no object is missing, but its kind or its group is
 * unknown.
 */
export function isUnknownPath(error: unknown): boolean {
  return error instanceof KubeError && error.kind === "unavailable" && UNKNOWN_PATH.test(error.message);
}

/**
 * The first alternative is said for API groups that the server knows, the second for others (source: measured with
 * Kubernetes 1.36.3).
 */
const UNKNOWN_PATH = /could not find the requested resource|^The API server answered 404: /;

function kindOf({ code, method }: FailedAnswer, status: Status | undefined): KubeErrorKind {
  const reason = status?.reason ?? "", message = status?.message ?? "";
  if (status?.details?.causes?.some((cause) => cause.reason === "ResourceVersionTooLarge")) return "gone";
  switch (code) {
    case 401:
      return "unauthorised";
    case 403:
      return forbiddenKind(message, status);
    case 404:
      // "the server could not find the requested resource": the path, not the object, is unknown.
      return reason === "NotFound" && !/could not find the requested resource/.test(message)
        ? "notFound"
        : "unavailable";
    case 409:
      if (!status) return "unavailable";
      return reason === "AlreadyExists" || (reason === "" && method === "POST") ? "alreadyExists" : "conflict";
    case 410:
      return "gone";
    case 400:
    case 422:
      return status ? "invalid" : "unavailable";
    case 413:
      return "invalid";
    case 429:
      return "throttled";
    default:
      // A webhook may choose any status for its refusal.
      return code >= 400 && code < 500 && /admission webhook .* denied the request/.test(message)
        ? "forbidden"
        : "unavailable";
  }
}

function forbiddenKind(message: string, status: Status | undefined): KubeErrorKind {
  if (!status) return "unauthorised"; // Not the API server's words: a proxy does not let us through.
  if (/admission webhook .* denied the request/.test(message)) return "forbidden";
  // The quota was created just now, and its use has not been counted yet.
  if (/status unknown for quota:/.test(message)) return "unavailable";
  if (NOT_GRANTED.test(message)) return "unauthorised";
  const exceeded = /exceeded quota:|failed quota:|insufficient quota/;
  const limitRange = /(maximum|minimum) \S+ usage per (Container|Pod)|max limit to request ratio per/;
  return exceeded.test(message) || limitRange.test(message) ? "quota" : "forbidden";
}

function hintFor(
  code: number,
  kind: KubeErrorKind,
  { status, source }: { status: Status | undefined; source: string },
): { hint?: string } {
  if (
    code === 403 && kind === "unauthorised" && /patch resource "nodes"|"pods\/eviction"/.test(status?.message ?? "")
  ) {
    return { hint: "apply scripts/rbac/disruptions.yaml" };
  }
  if (code === 403 && kind === "unauthorised" && / resource "nodes" /.test(status?.message ?? "")) {
    return { hint: "apply scripts/rbac/nodes.yaml to have machines named before their nodes go, or do without" };
  }
  if (code === 403 && kind === "unauthorised" && / resource "leases" /.test(status?.message ?? "")) {
    return { hint: "apply scripts/rbac/role.yaml" };
  }
  if (code === 403 && kind === "unauthorised") {
    return {
      hint: status ? `grant it by a Role and a RoleBinding to ${source}` : "something before the API server refuses",
    };
  }
  if (kind === "notFound" && status?.details?.kind === "namespaces") {
    return { hint: "create the namespace, or name another one with --namespace" };
  }
  return {};
}

function retryAfterOf({ retryAfter }: FailedAnswer, status: Status | undefined): number | undefined {
  const header = retryAfter ? Number(retryAfter) : NaN;
  const seconds = Number.isFinite(header) ? header : status?.details?.retryAfterSeconds;
  return seconds !== undefined && seconds > 0 ? seconds * 1000 : undefined;
}

/** The Status in an answer; `undefined` if the answer is not one of an API server. */
export function parseStatus(text: string): Status | undefined {
  try {
    const value = JSON.parse(text);
    return value?.kind === "Status" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The beginning of an answer that is not a Status; empty if it is an HTML page. */
function plainWords(body: string | Status): string {
  if (typeof body !== "string" || /^\s*</.test(body)) return "";
  return body.trim().replace(/\s+/g, " ").slice(0, 200);
}
