/** The calls to the API server that metrics tell apart, as `Kube` names them. */
export const CALLS = [
  "createPod",
  "getPod",
  "annotatePod",
  "deletePod",
  "listPods",
  "watchPods",
  "listNodes",
  "watchNodes",
  "listExtensions",
  "watchExtensions",
  "patchExtensionStatus",
  "getLease",
  "createLease",
  "updateLease",
] as const;
export type Call = typeof CALLS[number];

/** How calls end: `ok`, `aborted` by ourselves, or the kind of a `KubeError`. */
export const OUTCOMES = [
  "ok",
  "aborted",
  "notFound",
  "alreadyExists",
  "conflict",
  "quota",
  "forbidden",
  "invalid",
  "throttled",
  "gone",
  "unauthorised",
  "unavailable",
] as const;
export type CallOutcome = typeof OUTCOMES[number];

/**
 * How calls of hooks end: `ok`; `refused` by an answer that counts (4xx); `later`: it asks to be called again; `unavailable`: no
 * answer that counts, or it is left alone; `aborted` by ourselves; `misconfigured`: its credentials cannot be used.
 */
export const HOOK_OUTCOMES = ["ok", "refused", "later", "unavailable", "aborted", "misconfigured"] as const;
export type HookOutcome = typeof HOOK_OUTCOMES[number];
