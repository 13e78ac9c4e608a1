import { Budget } from "../../src/budget.ts";

/** Lets a piece of work be done in one go, however long it takes. */
export const atOnce: { budget: Budget } = {
  budget: new Budget({ now: () => 0, monotonic: () => 0, sleep: () => Promise.resolve() }),
};
