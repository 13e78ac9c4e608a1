import type { Extension, Registry } from "../../src/extensions/extension.ts";
import { HookClient } from "../../src/extensions/hook_client.ts";
import type { Network } from "../../src/kube/transport/transport.ts";
import { integerBetween, type Random } from "../../src/random.ts";
import type { MachineEvent } from "../../src/workdir/notified.ts";
import { extension, GivenRegistrations } from "../support/hooks.ts";
import type { Dependencies } from "../../src/watchers/dependencies.ts";
import { happens, magnitude, oneOf, randomFor } from "./chance.ts";
import type { Process } from "./process.ts";
import type { Simulation } from "./simulation.ts";
import { alive } from "./wire.ts";

/** Which extensions there may be: what each does is in `#answer`. */
export const EXTENSIONS = ["annotater", "helper", "gate", "drainer", "inventory"] as const;
export type ExtensionName = typeof EXTENSIONS[number];

/** What may be wrong with a hook. */
export const HOOK_TROUBLES = ["hangs", "slow", "down", "flaps", "lies", "redirects", "endless", "unwell"] as const;
export type HookTrouble = typeof HOOK_TROUBLES[number];

/** What the gate says why it refuses. */
export const GATE_WORDS = "no machines for this request";

/** How long a slow hook takes, in milliseconds: longer than some wait for it. */
const SLOW_MS = 4_000;

interface HookDocument {
  request?: { id: string };
  machine?: { name: string; uid?: string };
  machines?: { pod: HookPod }[];
  pod?: HookPod;
  events?: { machine: string; event: MachineEvent }[];
}

interface HookPod {
  metadata: { name: string; annotations?: Record<string, string> };
}

/** The extensions of a run, which have their own troubles, and what they were told. None before they are registered. */
export class SimulatedExtensions {
  readonly registry: Registry = { extensions: [], blocked: [], problems: [] };
  readonly #simulation: Simulation;
  readonly #random: Random;
  readonly #troubles = new Map<string, HookTrouble>();
  readonly #listeners = new Set<() => void>();
  /** Those that something was wrong with at any time. */
  readonly troubled = new Set<string>();
  /** What the inventory has been told, by machine. */
  readonly told = new Map<string, Set<MachineEvent>>();
  /** When the drainer was first asked about each pod, by uid, and which it has let go. */
  readonly askedMs = new Map<string, number>();
  readonly released = new Set<string>();
  /** For how long the drainer keeps each pod, in milliseconds. */
  #keepsMs = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    this.#random = randomFor(simulation.plan.seed, "hooks");
  }

  /** Registers all of them, for every process. */
  register(random: Random): void {
    const bounds = () => ({
      timeoutMs: oneOf(random, [1_000, 5_000]),
      retryMs: oneOf(random, [0, 5_000, 20_000]),
      drainMs: integerBetween(random, 1, 30) * 1_000,
    });
    const made = (name: ExtensionName, kind: string, options: Partial<Extension> = {}) =>
      extension(name, { hooks: { [kind]: `https://${name}.test/${kind}` }, ...bounds(), ...options });
    this.#keepsMs = happens(random, 0.3) ? Infinity : magnitude(random, 1, 20_000);
    this.registry.extensions = [
      made("annotater", "pre-create", { batch: oneOf(random, [1, 1, 3]) }),
      made("helper", "pre-create", { failurePolicy: "ignore" }),
      made("gate", "pre-create"),
      made("drainer", "pre-delete"),
      made("inventory", "notify"),
    ];
    for (const changed of this.#listeners) changed();
  }

  /** What a process has of them. */
  of(process: Process): Pick<Dependencies, "registrations" | "hooks"> {
    const { files, clock, name } = process;
    const random = randomFor(this.#simulation.plan.seed, `${name}-hooks`);
    const registrations = new GivenRegistrations(this.registry);
    const ended: typeof registrations.called = (extension, end) => registrations.called(extension, end);
    const hooks = new HookClient({ files, clock, random, network: this.#network(process) }, { ended });
    const changed = () => registrations.resources([]);
    this.#listeners.add(changed);
    process.onEnd(() => void this.#listeners.delete(changed));
    return { registrations, hooks };
  }

  /** Something goes wrong with one of them. @returns how it ends again */
  trouble(name: ExtensionName, what: HookTrouble): () => void {
    this.#troubles.set(name, what);
    this.troubled.add(name);
    return () => void this.#troubles.delete(name);
  }

  /** All are well again. */
  heal(): void {
    this.#troubles.clear();
  }

  /** Those that are registered and that each pod has to pass. */
  get musts(): string[] {
    return this.registry.extensions.filter(({ hooks, failurePolicy }) =>
      hooks["pre-create"] && failurePolicy === "fail"
    )
      .map(({ name }) => name);
  }

  /** True if the gate refuses a request, whenever it is asked. */
  refuses(requestId: string): boolean {
    return this.registry.extensions.length > 0 && requestId.charCodeAt(requestId.length - 1) % 5 === 0;
  }

  /** How long the drainer may delay a deletion, in milliseconds; nothing if there is none. */
  get drainMs(): number | undefined {
    return this.registry.extensions.find(({ name }) => name === "drainer")?.drainMs;
  }

  #network(process: Process): Network {
    return () => ({ fetch: (url, init) => alive(process, this.#send(process, url, init)), close() {} });
  }

  async #send(process: Process, url: string, init: RequestInit): Promise<Response> {
    process.operation("send", url);
    const name = new URL(url).hostname.replace(".test", "");
    const document = JSON.parse(String(init.body)) as HookDocument;
    const { clock, trace } = this.#simulation;
    await clock.sleep(magnitude(this.#random, 1, 100));
    const response = await (this.#troubled(name, document) ?? this.#answer(name, document));
    const about = document.machine?.name ?? document.request?.id ?? `${document.events?.length} events`;
    trace.say(name, `${about} → ${response.status}`);
    process.operation("receive", url);
    return response;
  }

  /** What a hook does with which something is wrong; nothing where it is well, this time. */
  #troubled(name: string, document: HookDocument): Promise<Response> | Response | undefined {
    const { clock } = this.#simulation;
    switch (this.#troubles.get(name)) {
      case undefined:
        return undefined;
      case "hangs":
        return new Promise(() => {});
      case "slow":
        return clock.sleep(SLOW_MS).then(() => this.#answer(name, document));
      case "down":
        throw new TypeError("connection refused");
      case "flaps":
        return happens(this.#random, 0.5) ? new Response(null, { status: 502 }) : undefined;
      case "redirects":
        return new Response(null, { status: 307, headers: { location: "https://elsewhere.test/" } });
      case "unwell":
        return new Response(null, { status: oneOf(this.#random, [429, 500, 503]), headers: { "retry-after": "2" } });
      case "endless":
        return new Response(new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(65_536)) }));
      case "lies":
        return this.#lie(document);
    }
  }

  /** Answers that no honest hook gives. One that is told something has been told it, if it answers 2xx. */
  #lie({ pod, machines, events = [] }: HookDocument): Response {
    for (const { machine, event } of events) this.#noteTold(machine, event);
    const [first] = machines ?? [];
    const shown = pod ?? first?.pod;
    const renamed = shown && { ...shown, metadata: { ...shown.metadata, name: "another-0" } };
    return oneOf(this.#random, [
      new Response("nonsense"),
      Response.json({ ...shown, kind: "Node" }),
      Response.json(machines ? { answers: [{ status: 200, pod: renamed }] } : renamed ?? []),
      new Response(null, { status: 201 }),
    ]);
  }

  #answer(name: string, document: HookDocument): Response {
    switch (name) {
      case "gate":
        return this.refuses(document.request?.id ?? "")
          ? Response.json({ message: GATE_WORDS }, { status: 403 })
          : new Response(null, { status: 304 });
      case "drainer":
        return this.#drain(document.machine?.uid ?? "");
      case "inventory":
        for (const { machine, event } of document.events ?? []) this.#noteTold(machine, event);
        return new Response(null, { status: 204 });
    }
    const { machines, pod } = document;
    if (!machines) return Response.json(pod && annotated(pod, name));
    return Response.json({ answers: machines.map((one) => ({ status: 200, pod: annotated(one.pod, name) })) });
  }

  #noteTold(machine: string, event: MachineEvent): void {
    const events = this.told.get(machine) ?? new Set();
    this.told.set(machine, events.add(event));
  }

  #drain(uid: string): Response {
    const now = this.#simulation.clock.monotonic();
    const askedMs = this.askedMs.get(uid) ?? now;
    this.askedMs.set(uid, askedMs);
    if (now - askedMs < this.#keepsMs) return new Response(null, { status: 202, headers: { "retry-after": "3" } });
    this.released.add(uid);
    return new Response(null, { status: 200 });
  }
}

/** The annotation by which an extension marks the pods that have passed it. */
export function markOf(name: string): string {
  return `extensions.test/${name}`;
}

function annotated(pod: HookPod, name: string): HookPod {
  const annotations = { ...pod.metadata.annotations, [markOf(name)]: "passed" };
  return { ...pod, metadata: { ...pod.metadata, annotations } };
}
