import { KubeError } from "../../kube/errors.ts";
import { isNotGranted } from "../../kube/failure.ts";
import type { ReflectorSink } from "../../kube/reflector.ts";
import type { ExtensionResource } from "../../kube/types.ts";
import { logger } from "../../log.ts";
import type { JudgedRegistration } from "../../extensions/registry.ts";
import type { Dependencies } from "../dependencies.ts";
import type { Loop, Outcome } from "../loop.ts";
import { Complaints } from "../work/complaints.ts";
import { extensionStatus, statusMark } from "./status.ts";

/** How often, in milliseconds, the files of registrations are looked at. */
const STEP_EVERY_MS = 1_000;

/** How long, in milliseconds, after a resource was told how it stands before it is told again. */
const PATCH_EVERY_MS = 60_000;

const log = logger("extensions");

/** What a resource was told. */
interface Told {
  /** `statusMark` of it. */
  mark: string;
  /** On the monotonic clock: when that was tried last. */
  atMs: number;
}

/**
 * Keeps the registrations of extensions up to date, from files and from resources, and tells each resource in its status what
 * became of it. Fed by a reflector.
 */
export class ExtensionsWatcher implements Loop, ReflectorSink<ExtensionResource> {
  readonly name = "extensions";
  readonly #dependencies: Dependencies;
  readonly #wake: () => void;
  /** By name. */
  #resources = new Map<string, ExtensionResource>();
  #listed = new Map<string, ExtensionResource>();
  /** They have changed since the registrations took them in. */
  #isStale = false;
  /** By uid. */
  readonly #told = new Map<string, Told>();
  #patching: Promise<void> | undefined;
  readonly #troubles = new Complaints((_, error) =>
    log.warn("Resources of extensions cannot be followed now", { error })
  );
  readonly #complaints = new Complaints((extension, error) => {
    log.warn("Status of an extension's resource not written", { extension, error });
  });

  /** @param wake has to make `step` run again soon */
  constructor(dependencies: Dependencies, wake: () => void) {
    this.#dependencies = dependencies;
    this.#wake = wake;
  }

  /** `extensionsLeftAlone`: how many do not answer, and are not called for a while. */
  get counts(): { extensionsLeftAlone: number | undefined } {
    return { extensionsLeftAlone: this.#dependencies.hooks.leftAlone.length || undefined };
  }

  begin(): void {
    this.#listed = new Map();
  }

  page(resources: ExtensionResource[]): void {
    for (const resource of resources) this.#listed.set(resource.metadata.name ?? "", slim(resource));
  }

  complete(): void {
    this.#resources = this.#listed;
    this.#isStale = true;
    this.#troubles.clear();
    this.#wake();
  }

  event(type: "ADDED" | "MODIFIED" | "DELETED", resource: ExtensionResource): void {
    const { name = "" } = resource.metadata;
    if (type === "DELETED") this.#resources.delete(name);
    else this.#resources.set(name, slim(resource));
    this.#isStale = true;
  }

  heard(): void {}

  /** Sites may do without resources: that there are none to be had is no trouble. */
  failed(error: KubeError): void {
    const isAbsent = error.kind === "notFound" || isNotGranted(error);
    if (isAbsent || error.kind === "unauthorised") this.#dependencies.registrations.withoutResources();
    if (!isAbsent) this.#troubles.note("", error);
  }

  async step(_signal: AbortSignal): Promise<Outcome> {
    const { clock, registrations } = this.#dependencies;
    if (this.#isStale) registrations.resources([...this.#resources.values()]);
    this.#isStale = false;
    await registrations.refresh(clock.monotonic());
    if (this.#resources.size > 0) this.#patching ??= this.#tellResources();
    return { kind: "again", atMs: clock.monotonic() + STEP_EVERY_MS };
  }

  async drained(): Promise<void> {
    await this.#patching;
  }

  /** One after the other: none of them is urgent. */
  async #tellResources(): Promise<void> {
    const { registrations, stopping } = this.#dependencies;
    const uids = new Set([...this.#resources.values()].map(({ metadata }) => metadata.uid));
    for (const uid of this.#told.keys()) if (!uids.has(uid)) this.#told.delete(uid);
    for (const judged of registrations.judged) {
      if (stopping.aborted) break;
      const { registration } = judged;
      const resource = registration.kind === "resource" ? this.#resources.get(registration.name) : undefined;
      if (resource && registration.kind === "resource" && resource.metadata.uid === registration.uid) {
        await this.#tell(resource, judged);
      }
    }
    this.#patching = undefined;
  }

  async #tell(resource: ExtensionResource, judged: JudgedRegistration): Promise<void> {
    const { kube, clock, registrations, signal } = this.#dependencies;
    const { name = "", uid = "" } = resource.metadata;
    const told = this.#told.get(uid) ?? { mark: statusMark(resource.status), atMs: -Infinity };
    this.#told.set(uid, told);
    const calls = registrations.calls(name);
    const status = extensionStatus(resource, judged, { nowMs: kube.now() ?? clock.now(), calls });
    const mark = statusMark(status);
    if (mark === told.mark || clock.monotonic() < told.atMs + PATCH_EVERY_MS) return;
    told.atMs = clock.monotonic();
    try {
      await kube.patchExtensionStatus(name, { uid, status, signal });
      told.mark = mark;
    } catch (error) {
      const isGone = error instanceof KubeError && ["notFound", "conflict"].includes(error.kind);
      if (!isGone && !signal.aborted) this.#complaints.note(name, error);
    }
  }
}

/** What is kept of a resource in memory. */
function slim({ metadata, spec, status }: ExtensionResource): ExtensionResource {
  const { name = "", uid = "", generation } = metadata;
  return { metadata: { name, uid, generation }, spec, ...(status === undefined ? {} : { status }) };
}
