import type { Clock } from "../clock.ts";
import type { Kube } from "../kube/kube.ts";
import { RIGHTS } from "../kube/rights.ts";
import { logger } from "../log.ts";
import type { Loop, Outcome } from "../watchers/loop.ts";

/** How often, in milliseconds, it is tried to ask for our rights while the cluster does not answer. */
const TRY_EVERY_MS = 60_000;

const log = logger("cluster");

/** Says once, at the start, which rights are missing that `serve` has to have. */
export class RightsCheck implements Loop {
  readonly name = "rights";
  readonly #kube: Pick<Kube, "isAllowed">;
  readonly #clock: Clock;
  #isDone = false;

  constructor({ kube, clock }: { kube: Pick<Kube, "isAllowed">; clock: Clock }) {
    this.#kube = kube;
    this.#clock = clock;
  }

  async step(signal: AbortSignal): Promise<Outcome> {
    if (this.#isDone) return { kind: "done" };
    try {
      const allowed = await Promise.all(RIGHTS.map((right) => this.#kube.isAllowed(right, { signal })));
      const missing = RIGHTS.filter((_, i) => !allowed[i]).map(({ verb, resource }) => `${verb} ${resource}`);
      if (missing.length > 0) {
        log.warn("Rights are missing: apply scripts/rbac/role.yaml", { missing: missing.join(", ") });
      }
      this.#isDone = true;
      return { kind: "done" };
    } catch {
      // Who calls the cluster for something that has to be done says why it does not answer.
      return { kind: "again", atMs: this.#clock.monotonic() + TRY_EVERY_MS };
    }
  }
}
