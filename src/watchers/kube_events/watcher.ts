import type { NewEvent } from "../../events/types.ts";
import type { KubeError } from "../../kube/errors.ts";
import { isNotGranted } from "../../kube/failure.ts";
import type { ReflectorSink } from "../../kube/reflector.ts";
import type { KubeEvent } from "../../kube/types.ts";
import { logger } from "../../log.ts";
import { readNodeUid } from "../../workdir/node_uid.ts";
import type { Dependencies } from "../dependencies.ts";
import type { Loop, Outcome } from "../loop.ts";
import { Complaints } from "../work/complaints.ts";
import { newsOfKubeEvent } from "./news.ts";

/** How often, in milliseconds, what was heard is recorded: what comes within that time shares a batch. */
const RECORD_EVERY_MS = 1_000;

const log = logger("kube-events");

/** Records what the cluster says of our machines' pods, or of nodes. Fed by a reflector. */
export class KubeEventsWatcher implements Loop, ReflectorSink<KubeEvent> {
  readonly name: string;
  readonly #dependencies: Pick<Dependencies, "workdir" | "clock" | "events">;
  /** The version of each Event that was recorded last, by its uid. */
  readonly #recorded = new Map<string, string | undefined>();
  #listed = new Set<string>();
  #news: NewEvent[] = [];
  readonly #troubles = new Complaints((_, error) => log.warn("Kubernetes events cannot be followed now", { error }));

  constructor(
    dependencies: Pick<Dependencies, "workdir" | "clock" | "events">,
    { about }: { about: "Pod" | "Node" },
  ) {
    this.name = `kube-events-${about.toLowerCase()}s`;
    this.#dependencies = dependencies;
  }

  begin(): void {
    this.#listed = new Set();
  }

  page(events: KubeEvent[]): void {
    for (const event of events) {
      this.#listed.add(event.metadata.uid ?? "");
      this.#tell(event);
    }
  }

  complete(): void {
    for (const uid of this.#recorded.keys()) if (!this.#listed.has(uid)) this.#recorded.delete(uid);
    this.#listed = new Set();
    this.#troubles.clear();
  }

  /** That an Event is gone says that it is old. */
  event(type: "ADDED" | "MODIFIED" | "DELETED", event: KubeEvent): void {
    if (type === "DELETED") this.#recorded.delete(event.metadata.uid ?? "");
    else this.#tell(event);
  }

  heard(): void {}

  failed(error: KubeError): void {
    const hint = "apply scripts/rbac/kube-events.yaml, or leave out --kube-events";
    this.#troubles.note("", isNotGranted(error) ? new Error(`${error.message} (${hint})`) : error);
  }

  step(_signal: AbortSignal): Promise<Outcome> {
    const { clock, events } = this.#dependencies;
    events?.record(this.#news.splice(0));
    return Promise.resolve({ kind: "again", atMs: clock.monotonic() + RECORD_EVERY_MS });
  }

  #tell(event: KubeEvent): void {
    const { uid = "", resourceVersion } = event.metadata;
    if (this.#recorded.has(uid) && this.#recorded.get(uid) === resourceVersion) return;
    this.#recorded.set(uid, resourceVersion);
    const { workdir } = this.#dependencies;
    const isMachine = (pod: string) => workdir.kind(workdir.layout.podStatus(pod)) !== undefined;
    this.#news.push(...newsOfKubeEvent(event, { isMachine, nodeUid: (node) => readNodeUid(workdir, node) }));
  }
}
