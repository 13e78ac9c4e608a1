/** The calls to the API server that are told apart, as `Kube` names them; and how they end. */
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

/** `ok`, `aborted` by ourselves, or the kind of a `KubeError`. */
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
