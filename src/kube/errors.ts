import { HostFactoryError } from "../errors.ts";

/**
 * The kinds of failures of the cluster. They are determined in one place, so that no other code looks at HTTP statuses.
 *
 * - `notFound`: 404, the object does not exist
 * - `alreadyExists`: 409 on a create
 * - `conflict`: 409, a precondition (uid, resource version) does not hold
 * - `quota`: 403, a resource quota or limit range is exceeded
 * - `forbidden`: 403, admission policy says no (Pod Security, webhooks, namespace in termination)
 * - `invalid`: 400, 413 or 422, the object itself is wrong
 * - `throttled`: 429; `retryAfterMs` says how long to wait
 * - `gone`: 410, a resource version or continue token is too old
 * - `unauthorised`: 401, or 403 because RBAC does not grant the verb: credentials, not the object, are wrong
 * - `unavailable`: 5xx, timeouts, refused or dropped connections
 */
export type KubeErrorKind =
  | "notFound"
  | "alreadyExists"
  | "conflict"
  | "quota"
  | "forbidden"
  | "invalid"
  | "throttled"
  | "gone"
  | "unauthorised"
  | "unavailable";

/** A call to the cluster that failed. The message contains the server's own words. */
export class KubeError extends HostFactoryError {
  override readonly name = "KubeError";
  readonly kind: KubeErrorKind;
  /** How long the server asks us to wait, in milliseconds; absent if it does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: KubeErrorKind,
    message: string,
    options: { cause?: unknown; hint?: string; retryAfterMs?: number } = {},
  ) {
    super(message, options);
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** True if trying again later may help; otherwise the object itself is at fault, and the failure is final. */
export function isRetryable(error: unknown): boolean {
  return !(error instanceof KubeError) || !["quota", "forbidden", "invalid"].includes(error.kind);
}

/** The error itself, or as `unavailable`, if it is not of the cluster. */
export function asKubeError(error: unknown): KubeError {
  if (error instanceof KubeError) return error;
  return new KubeError("unavailable", error instanceof Error ? error.message : String(error), { cause: error });
}
