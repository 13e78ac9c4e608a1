/** One question to an API server. */
export interface Exchange {
  name: string;
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /**
   * `{uid:NAME}` and `{rv:NAME}` stand for what the last answer with that object held, `{continue}` and `{revision}` for what the
   * last list held.
   */
  path: string;
  body?: unknown;
  contentType?: string;
  /** Default `application/json`. */
  accept?: string;
  /** The user: `admin` may do everything, `alice` nothing, `nobody` has a wrong token. */
  as?: "admin" | "alice" | "nobody";
}

export const pods = "/api/v1/namespaces/default/pods";
export const container = { name: "c", image: "busybox" };

export function pod(metadata: Record<string, unknown>, spec: Record<string, unknown> = {}) {
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { schedulerName: "none", containers: [container], ...spec } };
}

export function create(name: string, metadata: Record<string, unknown>, spec: Record<string, unknown> = {}): Exchange {
  return { name, method: "POST", path: pods, body: pod(metadata, spec) };
}

export function get(name: string, path: string): Exchange {
  return { name, method: "GET", path };
}

export function remove(name: string, pod: string, body?: unknown): Exchange {
  return { name, method: "DELETE", path: `${pods}/${pod}`, ...(body === undefined ? {} : { body }) };
}

export function mergePatch(name: string, path: string, body: unknown): Exchange {
  return { name, method: "PATCH", path, contentType: "application/merge-patch+json", body };
}

export function jsonPatch(name: string, path: string, body: unknown): Exchange {
  return { name, method: "PATCH", path, contentType: "application/json-patch+json", body };
}

export function strategicPatch(name: string, path: string, body: unknown): Exchange {
  return { name, method: "PATCH", path, contentType: "application/strategic-merge-patch+json", body };
}

export function applyPatch(name: string, path: string, body: unknown): Exchange {
  return { name, method: "PATCH", path, contentType: "application/apply-patch+yaml", body };
}
