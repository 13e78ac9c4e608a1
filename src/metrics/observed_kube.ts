import type { Clock } from "../clock.ts";
import { KubeError } from "../kube/errors.ts";
import type { Kube } from "../kube/kube.ts";
import { type Call, type CallOutcome, CALLS } from "./calls.ts";

/** A call that has ended. Watches have no `seconds`, because their duration means nothing. */
export interface EndedCall {
  call: Call;
  outcome: CallOutcome;
  seconds?: number;
}

/** Wraps a cluster: `ended` is called at the end of each call. */
export function observedKube(kube: Kube, { clock, ended }: { clock: Clock; ended: (call: EndedCall) => void }): Kube {
  return new Proxy(kube, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const act = (...given: unknown[]): unknown => Reflect.apply(value, target, given);
      const call = CALLS.find((one) => one === name);
      if (call === undefined) return act;
      if (call.startsWith("watch")) {
        return (...given: unknown[]) =>
          watched(act(...given) as AsyncIterable<unknown>, (outcome) => ended({ call, outcome }));
      }
      return async (...given: unknown[]) => {
        const beganMs = clock.monotonic();
        const tell = (outcome: CallOutcome) => ended({ call, outcome, seconds: (clock.monotonic() - beganMs) / 1_000 });
        try {
          const answer = await act(...given);
          tell("ok");
          return answer;
        } catch (error) {
          tell(outcomeOf(error));
          throw error;
        }
      };
    },
  });
}

async function* watched(
  changes: AsyncIterable<unknown>,
  ended: (outcome: CallOutcome) => void,
): AsyncGenerator<unknown> {
  let outcome: CallOutcome = "ok";
  try {
    yield* changes;
  } catch (error) {
    outcome = outcomeOf(error);
    throw error;
  } finally {
    ended(outcome);
  }
}

/** Errors other than `KubeError` are reasons of aborts: see `Kube`. */
function outcomeOf(error: unknown): CallOutcome {
  return error instanceof KubeError ? error.kind : "aborted";
}
