import { HostFactoryError } from "../../errors.ts";

/**
 * Every path of the work directory. The first five are the legacy plug-in's (source: `interface.md`, "Work directory");
 * the others are ours and it does not look at them.
 */
export class Layout {
  readonly root: string;
  /** Everything that has to exist before anything else works, what the legacy plug-in expects included. */
  readonly directories: readonly string[];

  constructor(root: string) {
    this.root = root;
    const expected = ["events", "kube-events", "backups"].map((name) => `${root}/${name}`);
    this.directories = [
      this.requests,
      this.returnRequests,
      this.pods,
      this.podsStatus,
      this.nodes,
      this.machines,
      this.views,
      this.locks,
      this.prototypes,
      this.returning,
      this.setAside,
      ...expected,
    ];
  }

  /** A directory for each request, with an entry for each machine. */
  get requests(): string {
    return `${this.root}/requests`;
  }

  /** A directory for each return request, with an empty file for each machine. */
  get returnRequests(): string {
    return `${this.root}/return-requests`;
  }

  /** The last pod seen of each machine that has one. */
  get pods(): string {
    return `${this.root}/pods`;
  }

  /** A link for each machine whose target is its state. */
  get podsStatus(): string {
    return `${this.root}/pods-status`;
  }

  /** The last object seen of each node. */
  get nodes(): string {
    return `${this.root}/nodes`;
  }

  /** What we know of a machine beyond its state and pod: why it failed, when it was up, that it was given back. */
  get machines(): string {
    return `${this.root}/machines`;
  }

  /** For each view of the cluster, when it was last complete and last heard from. */
  get views(): string {
    return `${this.root}/views`;
  }

  /** For each watcher, its lock and who holds it. */
  get locks(): string {
    return `${this.root}/locks`;
  }

  /** A note on each entry of the work directory that is not what it should be. */
  get setAside(): string {
    return `${this.root}/set-aside`;
  }

  /** A name for each machine that has gone without Symphony having given it back; absent until that is known. */
  get lost(): string {
    return `${this.root}/lost`;
  }

  /** A name for each return request that is not finished. */
  get returning(): string {
    return `${this.root}/returning`;
  }

  /** For each extension that is told what happens to machines, what it was told of each; absent until one is. */
  get notified(): string {
    return `${this.root}/notified`;
  }

  /** What entries that are all alike are further names of: see `Prototypes`. */
  get prototypes(): string {
    return `${this.root}/prototypes`;
  }

  /** What others are to pick up: batches of events, and the scripts' input and output. */
  get spools(): string[] {
    return [this.events, `${this.root}/kube-events`, this.requestsIo];
  }

  /** Which state of each request was recorded as an event last. */
  get recordedStatuses(): string {
    return `${this.views}/statuses.json`;
  }

  /** Directories with what provider scripts were given and said, as sites' wrappers leave them. */
  get requestsIo(): string {
    return `${this.root}/requests-io`;
  }

  /** Batches of events that are to be stored. */
  get events(): string {
    return `${this.root}/events`;
  }

  /** The events database, unless another file is named. */
  get eventsDatabase(): string {
    return `${this.root}/events.db`;
  }

  /** Which provider instances this work directory has served. */
  get instances(): string {
    return `${this.root}/instances.json`;
  }

  /** Which work directory this is: see `Identity`. */
  get identity(): string {
    return `${this.root}/identity.json`;
  }

  /** Which cluster and namespace its machines are in: see `KnownCluster`. */
  get cluster(): string {
    return `${this.root}/cluster.json`;
  }

  request(id: string): string {
    return `${this.requests}/${segment(id)}`;
  }

  returnRequest(id: string): string {
    return `${this.returnRequests}/${segment(id)}`;
  }

  /** The machine's entry in its request: a link to the manifest while its pod is still to be created, else an empty file. */
  requestMachine(requestId: string, machine: string): string {
    return `${this.request(requestId)}/${segment(machine)}`;
  }

  pod(machine: string): string {
    return `${this.pods}/${segment(machine)}`;
  }

  podStatus(machine: string): string {
    return `${this.podsStatus}/${segment(machine)}`;
  }

  machine(name: string): string {
    return `${this.machines}/${segment(name)}`;
  }

  view(name: string): string {
    return `${this.views}/${segment(name)}.json`;
  }

  /** The nodes that are about to go: see `Departure`. */
  get departures(): string {
    return `${this.views}/departures.json`;
  }

  /** How many pods were deleted lately that Symphony had not given back: see `DeletionBrake`. */
  get deletions(): string {
    return `${this.views}/deletions.json`;
  }

  /** The nodes that machines were evicted from: see `readEvictions`. */
  get evictions(): string {
    return `${this.views}/evictions.json`;
  }

  node(name: string): string {
    return `${this.nodes}/${segment(name)}`;
  }

  lostMachine(name: string): string {
    return `${this.lost}/${segment(name)}`;
  }

  returningRequest(id: string): string {
    return `${this.returning}/${segment(id)}`;
  }

  notifiedExtension(extension: string): string {
    return `${this.notified}/${segment(extension)}`;
  }

  /** A link whose target is the event of the machine that the extension was told last. */
  notifiedMachine(extension: string, machine: string): string {
    return `${this.notifiedExtension(extension)}/${segment(machine)}`;
  }

  prototype(name: string): string {
    return `${this.prototypes}/${segment(name)}`;
  }

  lock(watcher: string): string {
    return `${this.locks}/${segment(watcher)}.lock`;
  }

  lockHolder(watcher: string): string {
    return `${this.locks}/${segment(watcher)}.json`;
  }
}

/** What a request's directory holds beside its machines; all hidden, so that no machine can have the name. */
export const RequestFile = {
  /** Who asked for what: see `RequestRecord`. */
  record: ".request.json",
  /** The pod manifest as it was when the request was accepted. */
  manifest: ".manifest.json",
  /** The configuration that its template has for extensions, as it was then; only if it has one. */
  extensions: ".extensions.json",
  /** Every machine of the request has been handled. */
  processed: ".processed",
  /** When it came to its end: see `FinishedNote`. */
  ended: ".ended",
  /** A serve of this directory has taken it up. */
  taken: ".taken",
  /** No pod is to be created any more: see `markOutdatedRequests`. */
  outdated: ".outdated",
} as const;

/** One name of a path: the last line of defence, behind the checks at the edge. */
function segment(name: string): string {
  if (name === "" || name.startsWith(".") || name.includes("/") || name.includes("\0") || name.length > 255) {
    throw new HostFactoryError(`Cannot use '${name.slice(0, 80)}' as a file name`);
  }
  return name;
}
