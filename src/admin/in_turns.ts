import type { Budget } from "../budget.ts";
import type { Workdir } from "../workdir/store/workdir.ts";

/** How many elements there are between two looks at the clock, each of which takes a tenth of the time of an element. */
const TOGETHER = 8;

/** Calls `act` for each element as the user who owns the work directory, in turns of the budget. */
export async function inTurns<T>(
  { workdir, budget }: { workdir: Workdir; budget: Budget },
  all: Iterable<T>,
  act: (one: T) => void,
): Promise<void> {
  const left = all[Symbol.iterator]();
  for (let isDone = false; !isDone;) {
    if (budget.isSpent) await budget.breathe();
    workdir.asOwner(() => {
      do {
        for (let i = 0; i < TOGETHER && !isDone; i++) {
          const { value, done = false } = left.next();
          isDone = done;
          if (!done) act(value);
        }
      } while (!isDone && !budget.isSpent);
    });
  }
}
