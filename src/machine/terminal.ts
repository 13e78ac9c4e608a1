import type { MachineState } from "../hf/status.ts";

/** True if the machine has come to its end. One that is `unknown` has not: its node may come back with it. */
export function isTerminal(state: MachineState | undefined): state is "succeeded" | "failed" | "deleted" {
  return state === "succeeded" || state === "failed" || state === "deleted";
}
