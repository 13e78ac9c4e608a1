import { epochSeconds } from "../../clock.ts";
import { readSyncStatus, type SyncStatus, writeSyncStatus } from "../../workdir/index/sync_status.ts";
import type { KubeError } from "../../kube/errors.ts";
import type { Dependencies } from "../dependencies.ts";
import { Absence } from "./absence.ts";

/** Keeps account of how fresh a view of the cluster is, told of the same things as the sink of a reflector. */
export class SyncStatusKeeper {
  readonly #dependencies: Pick<Dependencies, "workdir" | "clock" | "kube">;
  readonly #name: string;
  /** A LIST is under way: what the server says counts once all of it is there. */
  #isListing = false;
  #heardInListMs: number | undefined;
  /** On the wall clock, in milliseconds: when a LIST was last finished, and when the server last spoke. */
  #listedAtMs: number | undefined;
  #heardAtMs: number | undefined;
  #written: SyncStatus | undefined;
  readonly #absence: Absence;

  /** @param dependencies `events`: told when the cluster is away, and when it is back */
  constructor(dependencies: Pick<Dependencies, "workdir" | "clock" | "kube" | "events">, name: string) {
    const { clock, events } = dependencies;
    this.#dependencies = dependencies;
    this.#name = name;
    this.#absence = new Absence(name, { clock, events });
  }

  begin(): void {
    this.#isListing = true;
    this.#heardInListMs = undefined;
  }

  complete(): void {
    this.#listedAtMs = this.#dependencies.clock.now();
    this.#heardAtMs = this.#heardInListMs ?? this.#heardAtMs;
    this.#isListing = false;
    this.#absence.ends();
  }

  heard(): void {
    const now = this.#dependencies.clock.now();
    if (this.#isListing) this.#heardInListMs = now;
    else {
      this.#heardAtMs = now;
      this.#absence.ends();
    }
  }

  /** After a failure, the server answers again. */
  answers(): void {
    this.#absence.answers();
  }

  /** @param error to be said once a minute at most; absent: who calls says it */
  failed(error?: KubeError): void {
    this.#isListing = false;
    if (error) this.#absence.failed(error);
  }

  /** How many seconds ago the server last spoke; `undefined` before it has. */
  get heardSecondsAgo(): number | undefined {
    if (this.#heardAtMs === undefined) return undefined;
    return Math.max(0, Math.round((this.#dependencies.clock.now() - this.#heardAtMs) / 1_000));
  }

  /** False if what was written last is not there any more: the work directory was emptied, or replaced by another. */
  get isThere(): boolean {
    if (!this.#written) return true;
    const { completeAt, heardAt } = readSyncStatus(this.#dependencies.workdir, this.#name) ?? {};
    return completeAt === this.#written.completeAt && heardAt === this.#written.heardAt;
  }

  /**
   * Writes the view down: to be called only while everything that the server said is written down. A view that is not ours
   * shows that the work directory is another one, and is left for that.
   * @param more see `SyncStatus`
   */
  write({ hasForeign = false }: { hasForeign?: boolean } = {}): void {
    if (this.#listedAtMs === undefined || this.#heardAtMs === undefined) return;
    const { clock, kube } = this.#dependencies;
    const clusterNow = kube.now();
    const view: SyncStatus = {
      completeAt: epochSeconds(this.#listedAtMs),
      heardAt: epochSeconds(this.#heardAtMs),
      ...(clusterNow === undefined ? {} : { clusterAheadSeconds: Math.round((clusterNow - clock.now()) / 1000) }),
      ...(hasForeign ? { hasForeign } : {}),
    };
    const { heardAt, completeAt, doubt } = this.#written ?? {};
    const isSame = view.heardAt === heardAt && view.completeAt === completeAt;
    if (isSame && doubt === undefined && view.hasForeign === this.#written?.hasForeign) return;
    this.#write(view);
  }

  /** Notes at once, until the view is written the next time, that what it says is in doubt. */
  doubt(doubt: string): void {
    const view = this.#written ?? readSyncStatus(this.#dependencies.workdir, this.#name);
    if (view && view.doubt !== doubt) this.#write({ ...view, doubt });
  }

  #write(view: SyncStatus): void {
    if (!this.isThere) return;
    writeSyncStatus(this.#dependencies.workdir, this.#name, view);
    this.#written = view;
  }
}
