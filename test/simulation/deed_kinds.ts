import { integerBetween, type Random } from "../../src/random.ts";
import type { FaultInput } from "../../src/simulator/faults/faults.ts";
import { oneOf } from "./chance.ts";
import { aWhile, type Simulation } from "./simulation.ts";
import type { Life } from "./truth.ts";

/** Something that can happen in a run, to whom and how hard as chance has it. */
export interface DeedKind {
  what: string;
  act: (simulation: Simulation, random: Random) => Promise<void> | void;
}

/** Faults that harm only if they last. */
const LONG: Partial<Record<FaultInput["name"], { mostMs: number }>> = { "unstreamed-watches": { mostMs: 300_000 } };

/** Faults of the cluster, for a while. */
export function fault(what: string, ...draws: ((random: Random) => FaultInput)[]): DeedKind {
  return {
    what,
    act(simulation, random) {
      for (const draw of draws) {
        const drawn = draw(random);
        const id = simulation.cluster.setFault({ ...drawn, id: `${drawn.name}-${integerBetween(random, 0, 1e6)}` });
        simulation.trace.say("trouble", JSON.stringify(drawn));
        const isStale = drawn.name === "stale-reads";
        if (isStale) simulation.staleReads++;
        if (drawn.name === "forbidden") simulation.refusedMs = Infinity;
        if (drawn.name.endsWith("-lists")) simulation.emptiedMs = simulation.clock.monotonic();
        simulation.undo(aWhile(random, LONG[drawn.name]), drawn.name, () => {
          simulation.cluster.clearFault(id);
          if (isStale) simulation.endStaleReads();
          if (drawn.name === "forbidden") simulation.refusedMs = simulation.clock.monotonic();
        });
      }
    },
  };
}

/** Something that somebody else does to one of our pods. */
export function toPod(what: string, act: (simulation: Simulation, life: Life, random: Random) => void): DeedKind {
  return {
    what,
    act(simulation, random) {
      const ours = simulation.truth.allLiving().filter(({ isOurs }) => isOurs);
      if (ours.length === 0) return;
      const life = oneOf(random, ours);
      simulation.trace.say("trouble", `hits ${life.name}`);
      simulation.truth.asOutsider(() => act(simulation, life, random));
    },
  };
}

/** How much of all something strikes. */
export const share = (random: Random) => oneOf(random, [1, 1, 0.5, 0.2]);
