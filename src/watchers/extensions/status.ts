import type { CallRecord } from "../../extensions/registrations.ts";
import type { JudgedRegistration, RegistrationVerdict } from "../../extensions/registry.ts";
import type { ExtensionResource, ExtensionStatus } from "../../kube/types.ts";

/** The type of the one condition that a resource has. */
const ACCEPTED = "Accepted";

const REASONS: Record<RegistrationVerdict, string> = {
  accepted: "Accepted",
  broken: "Invalid",
  "file wins": "FileWins",
  loop: "Loop",
};

const LONGEST_MESSAGE = 2_000;

/** What a resource is to say of itself. @param options `nowMs`: since the epoch; `calls`: absent before the first one */
export function extensionStatus(
  { metadata, status: before }: ExtensionResource,
  { verdict, problems }: JudgedRegistration,
  { nowMs, calls }: { nowMs: number; calls: CallRecord | undefined },
): ExtensionStatus {
  const message = problems.map((problem) => problem.message).join("; ").slice(0, LONGEST_MESSAGE);
  const status = verdict === "accepted" ? "True" : "False";
  const known = before?.conditions?.find(({ type }) => type === ACCEPTED);
  const { generation } = metadata;
  const lastCall = calls ? timeText(calls.lastCallMs) : before?.lastCall;
  return {
    conditions: [{
      type: ACCEPTED,
      status,
      reason: REASONS[verdict],
      message,
      lastTransitionTime: known?.status === status ? known.lastTransitionTime : timeText(nowMs),
      ...(typeof generation === "number" ? { observedGeneration: generation } : {}),
    }],
    ...(lastCall === undefined ? {} : { lastCall }),
    failures: calls?.failures ?? before?.failures ?? 0,
    message,
  };
}

/** Two that are the same say the same. */
export function statusMark(status: ExtensionStatus | undefined): string {
  const { conditions = [], lastCall, failures, message } = status ?? {};
  const accepted = conditions.find(({ type }) => type === ACCEPTED);
  const { status: is, reason, message: why, observedGeneration } = accepted ?? {};
  return JSON.stringify([is, reason, why, observedGeneration, lastCall, failures, message]);
}

/** RFC 3339, to the second. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
