import type { Pod, PodSpec } from "../../kube/types.ts";
import type { Cause } from "../protocol/status.ts";
import { isSame } from "../protocol/same_value.ts";

/** The message names what may change; that of the real API server continues with a diff of Go structs. */
const ONLY = "Forbidden: pod updates may not change fields other than `spec.containers[*].image`," +
  "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing " +
  "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

type Container = PodSpec["containers"][number];

/** What is wrong with the change of a pod's spec, in the API server's words. Both specs have all defaults. */
export function validateUpdate({ spec: before }: Pod, { spec: after }: Pod): Cause[] {
  if (isSame(before, after)) return [];
  for (const kind of ["containers", "initContainers"]) {
    if (containersOf(before, kind).length === containersOf(after, kind).length) continue;
    const name = kind === "containers" ? "containers" : "init containers";
    return [forbidden(`spec.${kind}`, `Forbidden: pod updates may not add or remove ${name}`)];
  }
  const causes = [...validateDeadline(before, after), ...validateTolerations(before, after)];
  if (!isSame(withoutChangeable(before, after), withoutChangeable(after, after))) causes.push(forbidden("spec", ONLY));
  return causes;
}

function validateDeadline(before: PodSpec, after: PodSpec): Cause[] {
  const [old, next] = [before["activeDeadlineSeconds"], after["activeDeadlineSeconds"]] as (number | undefined)[];
  const wrong = (value: unknown, why: string) => [{
    reason: "FieldValueInvalid",
    message: `Invalid value: ${value}: ${why}`,
    field: "spec.activeDeadlineSeconds",
  }];
  if (old === undefined) return [];
  if (next === undefined) return wrong(null, "must not update from a positive integer to nil value");
  return next > old ? wrong(next, "must be less than or equal to previous value") : [];
}

function validateTolerations(before: PodSpec, after: PodSpec): Cause[] {
  const [old, next] = [before, after].map((spec) => (spec["tolerations"] ?? []) as Record<string, unknown>[]);
  const isKept = (toleration: Record<string, unknown>) =>
    next!.some((other) => isSame({ ...other, tolerationSeconds: 0 }, { ...toleration, tolerationSeconds: 0 }));
  if (old!.every(isKept)) return [];
  const message = "Forbidden: existing toleration can not be modified except its tolerationSeconds";
  return [forbidden("spec.tolerations", message)];
}

/** A spec whose changeable fields are those of `after`. */
function withoutChangeable(spec: PodSpec, after: PodSpec): Record<string, unknown> {
  const withImages = (kind: string) =>
    containersOf(spec, kind).map((container, position) => ({
      ...container,
      image: containersOf(after, kind)[position]?.image,
    }));
  return {
    ...spec,
    containers: withImages("containers"),
    initContainers: withImages("initContainers"),
    activeDeadlineSeconds: undefined,
    tolerations: undefined,
  };
}

function containersOf(spec: PodSpec, kind: string): Container[] {
  return (spec[kind] ?? []) as Container[];
}

function forbidden(field: string, message: string): Cause {
  return { reason: "FieldValueForbidden", message, field };
}
