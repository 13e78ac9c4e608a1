import type { Budget } from "../budget.ts";
import type { Workdir } from "../workdir/store/workdir.ts";

/** How many elements there are between two looks at the clock. They are read, and nothing is synced: eight take no long turn. */
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
      let n = 0;
      do {
        const { value, done = false } = left.next();
        isDone = done;
        if (!done) act(value);
      } while (!isDone && (++n % TOGETHER > 0 || !budget.isSpent));
    });
  }
}
