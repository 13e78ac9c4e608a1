import type { PartialFailure } from "../config.ts";

/** The state words of `pods-status/`, as the legacy plug-in writes them. */
export const MACHINE_STATES = ["creating", "pending", "running", "succeeded", "failed", "unknown", "deleted"] as const;
export type MachineState = typeof MACHINE_STATES[number];

/** What became of one machine within its request or return request (Symphony's words). */
export type MachineResult = "executing" | "succeed" | "fail";

/** Symphony's machine states, of which a pod has two. */
export type MachineStatus = "running" | "terminated";

export type RequestStatus = "running" | "complete" | "complete_with_error";

export function isMachineState(text: string): text is MachineState {
  return (MACHINE_STATES as readonly string[]).includes(text);
}

/** The machine's state for Symphony; no state means that there is no such machine. */
export function machineStatus(state: MachineState | undefined): MachineStatus {
  return state === "creating" || state === "pending" || state === "running" ? "running" : "terminated";
}

/** What a request says of a machine with this state. */
export function requestResult(state: MachineState | undefined): MachineResult {
  switch (state) {
    case "creating":
    case "pending":
      return "executing";
    case "running":
    case "succeeded":
      return "succeed";
    default:
      return "fail";
  }
}

/**
 * The state of a whole request, from the results of all its machines.
 * @param onPartialFailure the state of a request of which some machines failed and others did not; if all failed, it is
 * an error
 */
export function requestStatus(results: MachineResult[], onPartialFailure: PartialFailure): RequestStatus {
  if (results.includes("executing")) return "running";
  if (!results.includes("fail")) return "complete";
  return results.includes("succeed") ? onPartialFailure : "complete_with_error";
}
