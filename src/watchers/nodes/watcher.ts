import { epochSeconds } from "../../clock.ts";
import { isMisplaced } from "../../files.ts";
import type { KubeError } from "../../kube/errors.ts";
import type { ReflectorSink } from "../../kube/reflector.ts";
import type { Node } from "../../kube/types.ts";
import { logger } from "../../log.ts";
import type { NewEvent } from "../../events/types.ts";
import { type Departure, readDepartures, writeDepartures } from "../../workdir/departures.ts";
import { type NodeEvictions, readEvictions } from "../../workdir/evictions.ts";
import { Complaints } from "../work/complaints.ts";
import { nodeDeparture } from "./decide.ts";
import { factsOfNode, newsOfNode, nodeEventId } from "./node_news.ts";
import { readNodeUid } from "../../workdir/node_uid.ts";
import { nodeFileText, nodeSignature, slimNode } from "./node_file.ts";
import type { Loop, Outcome } from "../loop.ts";
import { isClusterTrouble } from "../work/limiter.ts";
import { SyncStatusKeeper } from "../work/sync_status.ts";
import type { Dependencies } from "../dependencies.ts";

/** Nodes written down in one go before others get their turn. */
const SLICE = 100;

/** How long, in milliseconds, a node file waits to be written: no answer depends on it, and a node that comes up changes often. */
const CALM_MS = 2_000;

/** How often, in milliseconds, the view's freshness is written down, and cordoned nodes are looked at again. */
const STEP_EVERY_MS = 1_000;

/** What can be the name of a node (source: Kubernetes documentation, "Object Names and IDs", DNS subdomain names). */
const NODE_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** How long, in seconds, a node is spoken of that went as it had said: its pods are deleted within a minute. */
const DELETED_SECONDS = 300;

const log = logger("nodes");

/** Follows the nodes of the cluster: writes down what it sees of them, and which are about to go. Fed by a reflector. */
export class NodesWatcher implements Loop, ReflectorSink<Node> {
  readonly name = "nodes";
  readonly #dependencies: Dependencies;
  readonly #wake: () => void;
  /** The file of each node that is not written yet, nothing for one that is gone; and when, on the monotonic clock, it is due. */
  readonly #unwrittenObservations = new Map<string, { text: string | undefined; dueMs: number }>();
  /** The signature of each node as it was last seen. */
  readonly #signatures = new Map<string, string>();
  /** Nodes that would go if a machine was evicted from them. */
  readonly #cordoned = new Map<string, Node>();
  /** As they are to be written down; nothing before what was written down is read. */
  #departures: Map<string, Departure> | undefined;
  #departuresWritten: string | undefined;
  #listed = new Set<string>();
  /** Each node as it was last seen, where events are recorded, and what has happened since the last step. */
  readonly #lastSeen = new Map<string, Node>();
  #news: NewEvent[] = [];
  readonly #view: SyncStatusKeeper;
  readonly #complaints = new Complaints((node, error) => {
    log.error("Node quarantined: it cannot be written down", { node, error });
  });
  readonly #troubles = new Complaints((_, error) => log.warn("The nodes cannot be followed now", { error }));

  /** @param options `wake` has to make `step` run again soon */
  constructor(dependencies: Dependencies, options: { wake: () => void }) {
    this.#dependencies = dependencies;
    this.#wake = options.wake;
    // That the cluster is away, the watcher of pods says.
    this.#view = new SyncStatusKeeper({ ...dependencies, events: undefined }, "nodes");
  }

  /** False if the view that was written last is not there any more. */
  get viewIsOurs(): boolean {
    return this.#view.isThere;
  }

  begin(): void {
    this.#listed = new Set();
    this.#view.begin();
    // What somebody has removed is written again.
    const { workdir } = this.#dependencies;
    const written = new Set(workdir.names(workdir.layout.nodes));
    for (const name of this.#signatures.keys()) if (!written.has(name)) this.#signatures.delete(name);
    this.#departuresWritten = undefined;
  }

  page(nodes: Node[]): void {
    for (const node of nodes) {
      const name = this.#see(node, { dueMs: 0 });
      if (name !== undefined) this.#listed.add(name);
    }
    this.#wake();
  }

  complete(): void {
    const { workdir } = this.#dependencies;
    const files = workdir.names(workdir.layout.nodes).filter((name) => NODE_NAME.test(name));
    const known = [...this.#signatures.keys(), ...this.#ownDepartures().keys(), ...files];
    for (const name of new Set(known)) if (!this.#listed.has(name)) this.#seeGone(name, { dueMs: 0 });
    this.#listed = new Set();
    this.#troubles.clear();
    this.#view.complete();
    this.#wake();
  }

  event(type: "ADDED" | "MODIFIED" | "DELETED", node: Node): void {
    const options = { dueMs: this.#dependencies.clock.monotonic() + CALM_MS };
    const name = this.#see(node, options);
    if (type === "DELETED" && name !== undefined) this.#seeGone(name, options);
  }

  heard(): void {
    this.#view.heard();
  }

  failed(error: KubeError): void {
    this.#view.failed(isClusterTrouble(error) ? error : undefined);
    if (!isClusterTrouble(error)) this.#troubles.note("", error);
  }

  step(_signal: AbortSignal): Promise<Outcome> {
    const { clock } = this.#dependencies;
    this.#judgeCordoned();
    this.#writeDepartures();
    this.#dependencies.events?.record(this.#news.splice(0));
    this.#view.write(); // No answer depends on the files of nodes.
    const { isMore } = this.#writeFiles();
    return Promise.resolve({ kind: "again", atMs: clock.monotonic() + (isMore ? 0 : STEP_EVERY_MS) });
  }

  /** @returns the node's name; nothing for what cannot be a node */
  #see(seen: Node, { dueMs }: { dueMs: number }): string | undefined {
    const { name } = seen.metadata;
    if (name === undefined || !NODE_NAME.test(name)) return undefined;
    const node = slimNode(seen);
    if (node.spec.unschedulable) this.#cordoned.set(name, node);
    else this.#cordoned.delete(name);
    this.#judge(name, node, { evictions: undefined });
    const signature = nodeSignature(node);
    if (this.#signatures.get(name) !== signature) {
      this.#note(name, { text: nodeFileText(node), dueMs });
      this.#tell(name, node);
    }
    this.#signatures.set(name, signature);
    return name;
  }

  #tell(name: string, node: Node): void {
    if (!this.#dependencies.events) return;
    const last = this.#lastSeen.get(name);
    if (last && last.metadata.uid !== node.metadata.uid) this.#tellGone(name, last.metadata.uid);
    this.#news.push(...newsOfNode(node, last));
    this.#lastSeen.set(name, factsOfNode(node));
  }

  #tellGone(name: string, uid: string | undefined): void {
    if (uid !== undefined) {
      this.#news.push({ category: "node", id: nodeEventId(name, uid), pairs: { status: "deleted" } });
    }
  }

  #seeGone(name: string, { dueMs }: { dueMs: number }): void {
    const { workdir, events } = this.#dependencies;
    const unwritten = this.#unwrittenObservations.get(name);
    const isTold = unwritten !== undefined && unwritten.text === undefined;
    if (events && !isTold) this.#tellGone(name, this.#lastSeen.get(name)?.metadata.uid ?? readNodeUid(workdir, name));
    this.#lastSeen.delete(name);
    this.#cordoned.delete(name);
    this.#signatures.delete(name);
    this.#note(name, { text: undefined, dueMs });
    const departures = this.#ownDepartures();
    const departure = departures.get(name);
    if (departure?.isDeleted) return;
    if (!departure || departure.lost) departures.delete(name);
    else {departures.set(name, {
        ...departure,
        goneAt: Math.min(departure.goneAt ?? Infinity, this.#now()),
        isDeleted: true,
      });}
  }

  /** What waits already does not wait longer. */
  #note(name: string, { text, dueMs }: { text: string | undefined; dueMs: number }): void {
    this.#unwrittenObservations.set(name, {
      text,
      dueMs: Math.min(dueMs, this.#unwrittenObservations.get(name)?.dueMs ?? Infinity),
    });
  }

  #judge(name: string, node: Node, { evictions }: { evictions: NodeEvictions | undefined }): void {
    const departures = this.#ownDepartures();
    const before = departures.get(name);
    const hostNow = epochSeconds(this.#dependencies.clock.now());
    const departure = nodeDeparture(node, { now: this.#now(), hostNow, evictions, before });
    if (departure) departures.set(name, departure);
    else departures.delete(name);
    if (departure?.reason === before?.reason) return;
    const said = !departure ? "Node stays" : departure.lost ? "Node may be lost" : "Node is about to go";
    log.info(said, { node: name, reason: departure?.reason });
    this.#wake();
  }

  /** What tells a drain from a cordon is what becomes of the pods; the watcher of pods writes it down. */
  #judgeCordoned(): void {
    if (this.#cordoned.size === 0) return;
    const evictions = readEvictions(this.#dependencies.workdir);
    for (const [name, node] of this.#cordoned) {
      if (evictions.has(name)) this.#judge(name, node, { evictions: evictions.get(name) });
    }
  }

  /** Only where they changed, and before any file of a node: they are all that an answer depends on. */
  #writeDepartures(): void {
    const { workdir } = this.#dependencies;
    const departures = this.#ownDepartures();
    for (const [name, { isDeleted, goneAt = 0 }] of departures) {
      if (isDeleted && this.#now() > goneAt + DELETED_SECONDS) departures.delete(name);
    }
    const text = JSON.stringify([...departures]);
    if (text === this.#departuresWritten) return;
    writeDepartures(workdir, departures);
    this.#departuresWritten = text;
  }

  /** @returns whether there are more to be written at once */
  #writeFiles(): { isMore: boolean } {
    const { workdir, clock } = this.#dependencies;
    const now = clock.monotonic();
    let left = SLICE;
    for (const [name, { text, dueMs }] of this.#unwrittenObservations) {
      if (dueMs > now) continue;
      if (left-- === 0) return { isMore: true };
      try {
        const path = workdir.layout.node(name);
        if (text === undefined) workdir.remove(path);
        else workdir.write(path, text);
      } catch (error) {
        if (!isMisplaced(error)) throw error;
        this.#complaints.note(name, error);
      }
      this.#unwrittenObservations.delete(name);
    }
    return { isMore: false };
  }

  #ownDepartures(): Map<string, Departure> {
    return this.#departures ??= readDepartures(this.#dependencies.workdir);
  }

  /** The cluster's time, in seconds since the epoch. */
  #now(): number {
    const { kube, clock } = this.#dependencies;
    return epochSeconds(kube.now() ?? clock.now());
  }
}
