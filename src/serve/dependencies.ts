import type { Clock } from "../clock.ts";
import { HostFactoryError } from "../errors.ts";
import type { Extensions } from "../extensions/extensions.ts";
import { PreDelete } from "../extensions/pre_delete.ts";
import type { Kube } from "../kube/kube.ts";
import { logger } from "../log.ts";
import type { Random } from "../random.ts";
import { Complaints } from "../watchers/work/complaints.ts";
import { Limiter } from "../watchers/work/limiter.ts";
import type { Dependencies } from "../watchers/dependencies.ts";
import { PodNames } from "../workdir/index/pod_names.ts";
import { ReturnIndex } from "../workdir/index/returns.ts";
import { readInstances } from "../workdir/instances.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import type { Terms } from "./tenure.ts";

const NO_EXTENSIONS: Extensions = {
  registry: { extensions: [], blocked: [], problems: [] },
  client: { call: () => Promise.reject(new Error("none")) },
  confdir: undefined,
};

const log = logger("extensions");

/** What every watcher of this process stands on, while it owns the instance on these terms. */
export function dependenciesOf(
  given: { workdir: Workdir; kube: Kube; clock: Clock; random: Random; terms: Terms; extensions?: Extensions },
  options: { instance: string; concurrency: number } & Pick<Dependencies, "stopping" | "signal">,
): Dependencies {
  const { workdir, kube, clock, random, terms, extensions = NO_EXTENSIONS } = given;
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
    suspects: new Set(),
    extensions,
    preDelete: new PreDelete({ extensions, clock, instance, stopping, unanswered }),
    limiter: new Limiter({ clock, random }),
    returns: new ReturnIndex(workdir),
    podNames: new PodNames(workdir),
    ...options,
  };
}
