import type { CallOptions, WatchOptions } from "../../src/kube/kube.ts";
import type { Pod, WatchEvent } from "../../src/kube/types.ts";
import type { SimulatedClock } from "./simulated_clock.ts";
import { FakeKube } from "./fake_kube.ts";
import { deleted } from "./memory_dependencies.ts";

/** A cluster whose pods run as soon as they are created and are gone as soon as they are deleted, and that says so. */
export class LivelyKube extends FakeKube {
  readonly #clock: SimulatedClock;
  readonly #events: { version: number; event: WatchEvent<Pod> }[] = [];
  /** The name of each pod that was created, as often as it was. */
  readonly created: string[] = [];

  constructor(clock: SimulatedClock) {
    super(clock);
    this.#clock = clock;
  }

  override async createPod(pod: Pod, options: CallOptions = {}): Promise<Pod> {
    const { metadata } = await super.createPod(pod, options);
    this.created.push(metadata.name ?? "");
    return this.#tell("ADDED", this.put({ ...pod, metadata, status: { phase: "Running", podIP: "10.0.0.1" } }));
  }

  override async deletePod(name: string, options: CallOptions & { uid: string }): Promise<void> {
    const last = this.pods.get(name);
    await super.deletePod(name, options);
    if (!last) return;
    const { metadata } = this.put(last); // The version of its end.
    this.pods.delete(name);
    this.#tell("DELETED", deleted({ ...last, metadata }));
  }

  override async *watchPods(options: CallOptions & WatchOptions): AsyncIterable<WatchEvent<Pod>> {
    if (options.resourceVersion === undefined) {
      for (const object of this.pods.values()) yield { type: "ADDED", object: structuredClone(object) };
    }
    const untilMs = this.#clock.monotonic() + options.timeoutSeconds * 1000;
    let seen = Number(options.resourceVersion ?? Infinity);
    while (this.#clock.monotonic() < untilMs) {
      for (const { version, event } of this.#events) {
        if (version <= seen) continue;
        seen = version;
        yield structuredClone(event);
      }
      await this.#clock.sleep(500, options.signal);
    }
  }

  #tell(type: "ADDED" | "DELETED", pod: Pod): Pod {
    this.#events.push({ version: Number(pod.metadata.resourceVersion), event: { type, object: pod } });
    return pod;
  }
}
