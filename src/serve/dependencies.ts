import type { Kube } from "../kube/kube.ts";
import { Limiter } from "../watchers/work/limiter.ts";
import type { Dependencies } from "../watchers/dependencies.ts";
import { PodNames } from "../workdir/index/pod_names.ts";
import { ReturnIndex } from "../workdir/index/returns.ts";
import { readInstances } from "../workdir/instances.ts";
import type { Terms } from "./tenure.ts";

/** What every watcher of this process stands on, while it owns the instance on these terms. */
export function dependenciesOf(
  given:
    & { kube: Kube; terms: Terms }
    & Pick<Dependencies, "workdir" | "clock" | "random" | "registrations" | "hooks">,
  options: { instance: string; concurrency: number } & Pick<Dependencies, "stopping" | "signal">,
): Dependencies {
  const { workdir, kube, clock, random, terms, registrations, hooks } = given;
  return {
    workdir,
    kube,
    clock,
    random,
    formerInstances: readInstances(workdir).filter((name) => name !== options.instance),
    identity: terms.identity,
    isSoleOwner: terms.isLeased,
    suspects: new Set(),
    limiter: new Limiter({ clock, random }),
    returns: new ReturnIndex(workdir),
    podNames: new PodNames(workdir),
    registrations,
    hooks,
    ...options,
  };
}
