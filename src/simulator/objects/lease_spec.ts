import type { LeaseSpec } from "../../kube/types.ts";
import { cannotHandle, checkType } from "../protocol/body.ts";
import type { Cause } from "../protocol/status.ts";

const KIND = "Lease";

/** The layout of a MicroTime, in Go's notation; exactly six fractional digits. */
const LAYOUT = "2006-01-02T15:04:05.000000Z07:00";
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;

/**
 * Reads the fields of a lease's spec that the API server keeps, and drops all others. Times are kept verbatim (the real
 * one converts them to UTC).
 * @throws ApiError 400 if a field has the wrong type
 */
export function readLeaseSpec(value: unknown): LeaseSpec {
  const given = (value ?? {}) as Record<string, unknown>;
  const spec: LeaseSpec = {};
  for (const name of ["holderIdentity", "acquireTime", "renewTime"]) {
    checkType(given[name], { kind: KIND, field: `LeaseSpec.spec.${name}`, type: "string" });
  }
  for (const name of ["leaseDurationSeconds", "leaseTransitions"]) {
    checkType(given[name], { kind: KIND, field: `LeaseSpec.spec.${name}`, type: "int32" });
  }
  for (const name of ["acquireTime", "renewTime"]) checkMicroTime(given[name]);
  for (const name of ["holderIdentity", "leaseDurationSeconds", "acquireTime", "renewTime", "leaseTransitions"]) {
    if (given[name] !== undefined && given[name] !== null) spec[name] = given[name];
  }
  return spec;
}

/** The problems of a lease's spec, in the API server's words; empty if there are none. */
export function validateLeaseSpec({ leaseDurationSeconds = 1, leaseTransitions = 0 }: LeaseSpec): Cause[] {
  const causes: Cause[] = [];
  if (leaseDurationSeconds <= 0) {
    causes.push(outOfBounds("leaseDurationSeconds", leaseDurationSeconds, "greater than 0"));
  }
  if (leaseTransitions < 0) {
    causes.push(outOfBounds("leaseTransitions", leaseTransitions, "greater than or equal to 0"));
  }
  return causes;
}

function outOfBounds(name: string, value: number, bounds: string): Cause {
  return {
    reason: "FieldValueInvalid",
    message: `Invalid value: ${value}: must be ${bounds}`,
    field: `spec.${name}`,
  };
}

/** @throws ApiError 400 in the words of Go's parser, for the usual mistakes */
function checkMicroTime(value: unknown): void {
  if (typeof value !== "string" || MICRO_TIME.test(value)) return;
  const [seconds = ""] = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.exec(value) ?? [];
  const rest = value.slice(seconds.length);
  const [missing, found] = seconds === ""
    ? ["2006", value]
    : /^\.\d{6}/.test(rest)
    ? ["Z07:00", rest.slice(7)]
    : [".000000", rest];
  const [time, layout, part, expected] = [value, LAYOUT, found, missing].map((text) => JSON.stringify(text));
  throw cannotHandle(KIND, `parsing time ${time} as ${layout}: cannot parse ${part} as ${expected}`);
}
