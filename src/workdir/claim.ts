import type { Budget } from "../budget.ts";
import type { Clock } from "../clock.ts";
import { HostFactoryError } from "../errors.ts";
import { integerBetween } from "../random.ts";
import type { Draft } from "./store/publish.ts";
import { draftRequest, isSameRequest, type NewRequest } from "./requests.ts";
import type { Workdir } from "./store/workdir.ts";

/** How often others may come in between before a verb gives up. With the waits below, that takes seconds. */
const MOST_TRIES = 30;

/** The longest wait, in milliseconds, before the next try. The first is at most 2, each further one up to twice as long. */
const LONGEST_WAIT_MS = 256;

/**
 * Adds a request as `addRequest` does, but only if `check` lets it, as if requests that are added like this came one
 * after the other: none is put in its place between the check and ours. What serialises them are names of directories
 * alone (see `Draft.bid`): a verb that dies or stands still at any moment holds up no other.
 * @param options `check` throws what is to be said instead; it is called before anything is written, and for each try
 * @throws HostFactoryError as `addRequest`, or if too many others come in between
 */
export async function claimRequest(
  workdir: Workdir,
  request: NewRequest,
  options: { check: () => void; clock: Clock; budget: Budget },
): Promise<void> {
  const { check, clock } = options;
  const isThere = () => isSameRequest(workdir, request);
  if (await isThere()) return;
  let draft: Draft | undefined;
  try {
    check();
    draft = await draftRequest(workdir, request, options);
    let longestMs = 2;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      draft.bid();
      check();
      if (await draft.place()) return;
      await clock.sleep(integerBetween(workdir.random, 1, longestMs));
      longestMs = Math.min(2 * longestMs, LONGEST_WAIT_MS);
    }
    throw new HostFactoryError(`Cannot accept request '${request.id}': too many others came in between`, {
      hint: "ask again",
    });
  } catch (error) {
    // It is there where another process was asked for the same, or where the answer to our rename was lost on its way.
    if (await isThere()) return;
    throw error;
  } finally {
    draft?.discard();
  }
}
