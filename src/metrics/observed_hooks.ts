import type { Clock } from "../clock.ts";
import type { HookKind } from "../extensions/extension.ts";
import { type HookAnswer, HookUnavailable } from "../extensions/hook_client.ts";
import type { Caller } from "../extensions/pre_create.ts";
import type { HookOutcome } from "./calls.ts";

/** A call of a hook that has ended. */
export interface EndedHookCall {
  extension: string;
  hook: HookKind;
  outcome: HookOutcome;
  seconds: number;
}

/** Wraps a caller of hooks: `ended` is called at the end of each call. */
export function observedHooks(
  hooks: Caller,
  { clock, ended }: { clock: Clock; ended: (call: EndedHookCall) => void },
): Caller {
  return {
    get leftAlone() {
      return hooks.leftAlone;
    },
    async call(extension, call) {
      const beganMs = clock.monotonic();
      const tell = (outcome: HookOutcome) => {
        const seconds = (clock.monotonic() - beganMs) / 1_000;
        ended({ extension: extension.name, hook: call.kind, outcome, seconds });
      };
      try {
        const answer = await hooks.call(extension, call);
        tell(outcomeOf(answer));
        return answer;
      } catch (error) {
        tell(call.signal.aborted ? "aborted" : error instanceof HookUnavailable ? "unavailable" : "misconfigured");
        throw error;
      }
    },
  };
}

function outcomeOf({ status }: HookAnswer): HookOutcome {
  if (status >= 500) return "later";
  return status >= 400 ? "refused" : "ok";
}
