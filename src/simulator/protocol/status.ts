import type { Status } from "../../kube/types.ts";

/** One thing that is wrong with an object: an entry of `details.causes` in an answer. */
export interface Cause {
  reason?: string;
  message: string;
  field?: string;
}

/**
 * A request that ends in an error, in the API server's own words (recorded from 1.36; see the golden answers of the
 * tests). Everything that goes wrong while a request is answered is thrown as one of these.
 */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: number;
  readonly status: Status & { metadata: Record<string, unknown> };
  readonly headers: Record<string, string>;

  constructor(
    code: number,
    message: string,
    options: {
      reason?: string;
      details?: NonNullable<Status["details"]>;
      metadata?: Record<string, unknown>;
      headers?: Record<string, string>;
    } = {},
  ) {
    super(message);
    this.code = code;
    this.headers = options.headers ?? {};
    this.status = {
      kind: "Status",
      apiVersion: "v1",
      metadata: options.metadata ?? {},
      status: "Failure",
      message,
      ...(options.reason === undefined ? {} : { reason: options.reason }),
      ...(options.details === undefined ? {} : { details: options.details }),
      code,
    };
  }
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, message, { reason: "BadRequest" });
}

export function unauthorized(): ApiError {
  return new ApiError(401, "Unauthorized", { reason: "Unauthorized" });
}

/**
 * A resource or kind with its group, as in error messages: `leases.coordination.k8s.io`; just `pods` for the core
 * group.
 */
export function qualified(name: string, group: string): string {
  return group === "" ? name : `${name}.${group}`;
}

/** The details of a Status about an object of a qualified resource or kind; without a name if that is empty. */
export function detailsOf(resource: string, name: string): { name?: string; group?: string; kind?: string } {
  const [kind = "", ...group] = resource.split(".");
  return {
    ...(name === "" ? {} : { name }),
    ...(group.length > 0 ? { group: group.join(".") } : {}),
    ...(kind === "" ? {} : { kind }),
  };
}

/** RBAC does not grant the request. `name` is empty if it names no object. */
export function notGranted(
  user: string,
  { verb, group, resource, namespace, name }: {
    verb: string;
    group: string;
    resource: string;
    namespace: string;
    name: string;
  },
): ApiError {
  const what = qualified(resource, group);
  const object = name === "" ? what : `${what} "${name}"`;
  // For RBAC, a namespace is in itself.
  const within = resource === "namespaces" ? name : namespace;
  const place = within === "" ? "at the cluster scope" : `in the namespace "${within}"`;
  const message =
    `${object} is forbidden: User "${user}" cannot ${verb} resource "${resource}" in API group "${group}" ${place}`;
  return new ApiError(403, message, {
    reason: "Forbidden",
    details: detailsOf(qualified(resource.split("/")[0]!, group), name),
  });
}

/** Admission (quota, Pod Security) refuses the object. */
export function forbidden(resource: string, { name, why }: { name: string; why: string }): ApiError {
  return new ApiError(403, `${resource} "${name}" is forbidden: ${why}`, {
    reason: "Forbidden",
    details: detailsOf(resource, name),
  });
}

/** The refusal of a create in a namespace that is being deleted. */
export function namespaceTerminating(
  resource: string,
  { name, namespace }: { name: string; namespace: string },
): ApiError {
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const message = `namespace ${namespace} is being terminated`;
  return new ApiError(403, `${resource} "${name}" is forbidden: ${why}`, {
    reason: "Forbidden",
    details: {
      ...detailsOf(resource, name),
      causes: [{ reason: "NamespaceTerminating", message, field: "metadata.namespace" }],
    },
  });
}

export function notFound(resource: string, name: string): ApiError {
  return new ApiError(404, `${resource} "${name}" not found`, {
    reason: "NotFound",
    details: detailsOf(resource, name),
  });
}

/** The resource itself, not an object of it, does not exist. */
export function noSuchResource(): ApiError {
  return new ApiError(404, "the server could not find the requested resource", { reason: "NotFound", details: {} });
}

export function methodNotAllowed(): ApiError {
  return new ApiError(405, "the server does not allow this method on the requested resource", {
    reason: "MethodNotAllowed",
    details: {},
  });
}

/** @param options.isTerminating whether the existing object is being deleted; default false */
export function alreadyExists(
  resource: string,
  name: string,
  { isTerminating = false }: { isTerminating?: boolean } = {},
): ApiError {
  const message = `${isTerminating ? "object is being deleted: " : ""}${resource} "${name}" already exists`;
  return new ApiError(409, message, {
    reason: "AlreadyExists",
    details: detailsOf(resource, name),
  });
}

/** @param kind the resource for an update, the kind for a precondition, as in the real API server */
export function conflict(kind: string, { name, why }: { name: string; why: string }): ApiError {
  return new ApiError(409, `Operation cannot be fulfilled on ${kind} "${name}": ${why}`, {
    reason: "Conflict",
    details: detailsOf(kind, name),
  });
}

/** The refusal of an update that names another resource version than the present one. */
export function modified(resource: string, name: string): ApiError {
  const why = "the object has been modified; please apply your changes to the latest version and try again";
  return conflict(resource, { name, why });
}

/** A resource version or a continue token is older than what is kept. */
export function expired(message: string, metadata: Record<string, unknown> = {}): ApiError {
  return new ApiError(410, message, { reason: "Expired", metadata });
}

export function unsupportedMediaType(): ApiError {
  return new ApiError(415, "415: Unsupported Media Type", { reason: "UnsupportedMediaType", details: {} });
}

export function invalid(kind: string, { name, causes }: { name: string; causes: Cause[] }): ApiError {
  const problems = [...new Set(causes.map((cause) => `${cause.field}: ${cause.message}`))];
  const text = problems.length === 1 ? problems[0] : `[${problems.join(", ")}]`;
  return new ApiError(422, `${kind} "${name}" is invalid: ${text}`, {
    reason: "Invalid",
    details: { ...detailsOf(kind, name), causes },
  });
}

export function tooManyRequests(message: string, retryAfterSeconds: number): ApiError {
  return new ApiError(429, message, {
    reason: "TooManyRequests",
    details: { retryAfterSeconds },
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

export function internalError(message: string): ApiError {
  return new ApiError(500, `Internal error occurred: ${message}`, {
    reason: "InternalError",
    details: { causes: [{ message }] },
  });
}

export function serviceUnavailable(message: string, retryAfterSeconds?: number): ApiError {
  if (retryAfterSeconds === undefined) return new ApiError(503, message, { reason: "ServiceUnavailable" });
  return new ApiError(503, message, {
    reason: "ServiceUnavailable",
    details: { retryAfterSeconds },
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

export function timeout(message: string, details: NonNullable<Status["details"]> = {}): ApiError {
  const headers = details.retryAfterSeconds === undefined ? {} : { "retry-after": String(details.retryAfterSeconds) };
  return new ApiError(504, `Timeout: ${message}`, { reason: "Timeout", details, headers });
}
