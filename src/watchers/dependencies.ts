import type { Clock } from "../clock.ts";
import type { EventSink } from "../events/types.ts";
import type { Caller } from "../extensions/pre_create.ts";
import type { Registrations } from "../extensions/registrations.ts";
import type { PreDelete } from "../extensions/pre_delete.ts";
import type { Kube } from "../kube/kube.ts";
import type { Random } from "../random.ts";
import type { Identity } from "../workdir/identity.ts";
import type { PodNames } from "../workdir/index/pod_names.ts";
import type { ReturnIndex } from "../workdir/index/returns.ts";
import type { Limiter } from "./work/limiter.ts";
import type { Workdir } from "../workdir/store/workdir.ts";

/** What every watcher stands on. */
export interface Dependencies {
  workdir: Workdir;
  kube: Kube;
  clock: Clock;
  random: Random;
  /** The provider instance whose pods are ours. */
  instance: string;
  /** Names that this instance had before: a pod that carries one is ours where its request is in our work directory. */
  formerInstances: readonly string[];
  /** Which work directory this is: its pods carry that. */
  identity: Identity;
  /** Every pod that carries the instance's name is ours; else only those that this work directory made, or took over. */
  isSoleOwner: boolean;
  /** What calls hooks of extensions. */
  hooks: Caller;
  /** What the extensions say of deletions; one for all that delete pods. */
  preDelete: PreDelete;
  /** What is told what happens to machines; absent: nothing is. */
  events?: EventSink | undefined;
  /** Machines whose pods others have found gone, and the watch does not say so: to be asked for by the watcher of pods. */
  suspects: Set<string>;
  /** Calls of one kind to the cluster in flight at once, at most. */
  concurrency: number;
  /** What all calls of this process share. */
  limiter: Limiter;
  returns: ReturnIndex;
  podNames: PodNames;
  /** The registered extensions, as the watcher of extensions last saw them. */
  registrations: Registrations;
  /** The process is to stop: what is under way may end, nothing new is started. */
  stopping: AbortSignal;
  /** The time for that is over: ends every call that is still under way. */
  signal: AbortSignal;
}
