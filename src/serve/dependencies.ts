import { HostFactoryError } from "../errors.ts";
import { PreDelete } from "../extensions/pre_delete.ts";
import type { Kube } from "../kube/kube.ts";
import { logger } from "../log.ts";
import { Complaints } from "../watchers/work/complaints.ts";
import { Limiter } from "../watchers/work/limiter.ts";
import type { Dependencies } from "../watchers/dependencies.ts";
import { PodNames } from "../workdir/index/pod_names.ts";
import { ReturnIndex } from "../workdir/index/returns.ts";
import { readInstances } from "../workdir/instances.ts";
import type { Terms } from "./tenure.ts";

const log = logger("extensions");

/** What every watcher of this process stands on, while it owns the instance on these terms. */
export function dependenciesOf(
  given:
    & { kube: Kube; terms: Terms }
    & Pick<Dependencies, "workdir" | "clock" | "random" | "registrations" | "hooks" | "events">,
  options: { instance: string; concurrency: number } & Pick<Dependencies, "stopping" | "signal">,
): Dependencies {
  const { workdir, kube, clock, random, terms, registrations, hooks, events } = given;
  const { instance, stopping } = options;
  const complaints = new Complaints((extension, error) =>
    log.warn("Extension did not answer before a deletion", { extension, error })
  );
  const unanswered = (extension: string, reason: string) => complaints.note(extension, new HostFactoryError(reason));
  return {
    workdir,
    kube,
    clock,
    random,
    formerInstances: readInstances(workdir).filter((name) => name !== options.instance),
    identity: terms.identity,
    isSoleOwner: terms.isLeased,
    events,
    suspects: new Set(),
    preDelete: new PreDelete({ registrations, hooks, clock, instance, stopping, unanswered }),
    limiter: new Limiter({ clock, random }),
    returns: new ReturnIndex(workdir),
    podNames: new PodNames(workdir),
    registrations,
    hooks,
    ...options,
  };
}
