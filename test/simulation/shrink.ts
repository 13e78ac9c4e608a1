import { onlyEvents, type Plan } from "./plan.ts";
import { type Outcome, Simulation } from "./simulation.ts";

/** A failing run with as little in it as could be found. */
export interface Shrunk {
  plan: Plan;
  outcome: Outcome;
}

/**
 * Leaves out events of a failing plan, in ever smaller portions, for as long as the same invariant does not hold. What is
 * left fails as the whole did, and each of its events is needed for that.
 * @param most how many runs it may take
 */
export async function shrink(plan: Plan, outcome: Outcome, { most = 300 } = {}): Promise<Shrunk> {
  let best = { plan, outcome };
  let runs = 0;
  for (let portion = Math.ceil(plan.events.length / 2); portion >= 1;) {
    const before = best.plan.events.length;
    for (let start = 0; start < best.plan.events.length && runs < most;) {
      const { events } = best.plan;
      const keep = new Set(events.filter((_, i) => i < start || i >= start + portion).map(({ id }) => id));
      const smaller = onlyEvents(best.plan, keep);
      runs++;
      const tried = await new Simulation(smaller).run();
      if (tried.violation?.number === outcome.violation?.number) best = { plan: smaller, outcome: tried };
      else start += portion;
    }
    if (runs >= most) break;
    // The smallest portions once more, for as long as that helps.
    if (portion > 1) portion = Math.ceil(portion / 2);
    else if (best.plan.events.length === before) break;
  }
  return best;
}
