import { describeError, HostFactoryError } from "../../errors.ts";
import { type Extension, withHook } from "../../extensions/extension.ts";
import { type PodDraft, preCreate, type PreCreateDecision } from "../../extensions/pre_create.ts";
import { logger } from "../../log.ts";
import { endRejected } from "../../machine/ending.ts";
import { readCluster } from "../../workdir/cluster.ts";
import type { Dependencies } from "../dependencies.ts";
import { Complaints } from "../work/complaints.ts";
import type { ActiveRequest, PendingMachine, TemplateWords } from "./active_request.ts";
import { configurationOf } from "./configuration.ts";
import { podOf } from "./pod_creation.ts";

/** Machines that pass the extensions together at least. */
const SMALLEST_PASS = 32;

/** Passes whose machines may be under way, or wait for their creates, at once. */
const MOST_PASSES = 4;

/** How often, in milliseconds, it is looked whether a loop of extensions was mended. */
const LOOK_AGAIN_MS = 1_000;

/** What becomes of machines whose extension does not answer, in words. */
const OUTCOMES = {
  waits: "pods wait for it",
  "left out": "pods are created without it",
  failed: "the machines fail",
} as const;

const NO_WORDS: TemplateWords = { templateId: undefined, configuration: {} };

const log = logger("extensions");

/** Shows the pods that are to be created to the extensions, and lets those go on that they let pass. */
export class Preparation {
  readonly #dependencies: Dependencies;
  readonly #passed: () => void;
  #settling: Promise<void> | undefined;
  readonly #underWay = new Set<Promise<void>>();
  readonly #unanswered: Complaints;

  /** @param passed is called when a pass has come to its end: its machines are ready, or ending */
  constructor(dependencies: Dependencies, passed: () => void) {
    this.#dependencies = dependencies;
    this.#passed = passed;
    this.#unanswered = new Complaints((extension, error) =>
      log.warn("Extension does not answer", { extension, error })
    );
  }

  /** Begins as many passes as there is room for, in turn for each request; without extensions, all go on at once. */
  start(requests: readonly ActiveRequest[]): void {
    const { registrations } = this.#dependencies;
    if (!registrations.isSettled) return this.#startOnceSettled();
    const { registry } = registrations;
    const extensions = withHook(registry, "pre-create");
    if (extensions.length === 0 && registry.blocked.length === 0) {
      for (const request of requests) {
        if (request.unprepared.length > 0) request.ready = [...request.unprepared.splice(0), ...request.ready];
      }
      return;
    }
    const size = Math.max(SMALLEST_PASS, ...extensions.map(({ batch }) => batch));
    while (!this.#dependencies.stopping.aborted) {
      const busy = requests.reduce((sum, { preparing, ready }) => sum + preparing + ready.length, 0);
      const next = requests.filter(({ unprepared }) => unprepared.length > 0)
        .reduce<ActiveRequest | undefined>(
          (least, one) => least && least.preparing <= one.preparing ? least : one,
          undefined,
        );
      if (!next || busy >= size * MOST_PASSES) return;
      this.#begin(next, next.unprepared.splice(-size), extensions);
    }
  }

  /** Until then an extension may be missing that has a word to say. */
  #startOnceSettled(): void {
    this.#settling ??= this.#dependencies.registrations.settled.then(this.#passed);
  }

  /** Resolves once no pass is under way. */
  async drained(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #begin(request: ActiveRequest, machines: PendingMachine[], extensions: Extension[]): void {
    request.preparing += machines.length;
    const pass = this.#pass(request, machines, extensions).finally(() => this.#underWay.delete(pass));
    this.#underWay.add(pass);
  }

  async #pass(request: ActiveRequest, machines: PendingMachine[], extensions: Extension[]): Promise<void> {
    let decisions: Map<string, PreCreateDecision> | undefined;
    try {
      decisions = await this.#whileBlocked(machines) ?? await this.#ask(request, machines, extensions);
    } catch (error) {
      if (!this.#dependencies.stopping.aborted) decisions = allFail(machines, describeError(error));
    }
    request.preparing -= machines.length;
    if (!decisions) return void request.unprepared.push(...machines);
    apply(request, machines, decisions);
    this.#passed();
  }

  async #ask(
    request: ActiveRequest,
    machines: PendingMachine[],
    extensions: Extension[],
  ): Promise<Map<string, PreCreateDecision>> {
    const { clock, random, instance, stopping: signal } = this.#dependencies;
    const [first] = machines;
    if (first) request.template ??= configurationOf(this.#dependencies, request, first.name);
    const { id, record, count, template: { templateId, configuration } = NO_WORDS } = request;
    const drafts = machines.toReversed().map((machine): PodDraft => {
      const { name, index } = machine;
      return { name, index, pod: podOf(this.#dependencies, request, machine) };
    });
    let isAnswered = true;
    const decisions = await preCreate({
      caller: this.#dependencies.hooks,
      clock,
      random,
      extensions,
      instance,
      namespace: readCluster(this.#dependencies.workdir)?.namespace,
      request: { id, templateId, count, requestedAt: record?.requestedAt },
      configuration,
      signal,
      unanswered: (extension, { reason, outcome }) => {
        isAnswered = false;
        this.#unanswered.note(extension, new HostFactoryError(`${reason}: ${OUTCOMES[outcome]}`));
      },
    }, drafts);
    if (isAnswered) this.#unanswered.clear();
    return decisions;
  }

  /** Waits while extensions wait for each other. @returns what becomes of the machines, if that lasts too long */
  async #whileBlocked(machines: PendingMachine[]): Promise<Map<string, PreCreateDecision> | undefined> {
    const { clock, registrations, stopping } = this.#dependencies;
    const startedMs = clock.monotonic();
    for (;;) {
      const [first] = registrations.registry.blocked;
      if (!first) return undefined;
      this.#unanswered.note(first.extension.name, new HostFactoryError(first.reason));
      const leftMs = startedMs + first.extension.retryMs - clock.monotonic();
      if (leftMs <= 0) return allFail(machines, first.reason);
      await clock.sleep(Math.min(leftMs, LOOK_AGAIN_MS), stopping);
    }
  }
}

/** Lets machines go on as extensions want it. */
function apply(
  request: ActiveRequest,
  machines: readonly PendingMachine[],
  decisions: Map<string, PreCreateDecision>,
): void {
  const passed: PendingMachine[] = [];
  for (const machine of machines) {
    const decision = decisions.get(machine.name);
    if (decision?.kind === "pod") {
      machine.pod = decision.pod;
      passed.push(machine);
      continue;
    }
    const reason = decision?.reason ?? "No extension has said what becomes of its pod";
    reject(request, machine, reason);
    if (decision?.kind === "refused") request.refused ??= reason;
  }
  request.ready.unshift(...passed);
  if (request.refused === undefined) return;
  const rest = [...request.unprepared.splice(0), ...request.ready.splice(0), ...request.delayed.splice(0)];
  for (const machine of rest) reject(request, machine, request.refused);
}

/** Ends a machine of which no pod can exist; another is looked for as soon as there is a free slot. */
function reject(request: ActiveRequest, machine: PendingMachine, reason: string): void {
  if (!machine.mayExist) return void request.ending.push(endRejected(machine.name, reason));
  machine.rejected ??= reason;
  request.ready.push(machine);
}

function allFail(machines: readonly PendingMachine[], reason: string): Map<string, PreCreateDecision> {
  return new Map(machines.map(({ name }) => [name, { kind: "failed", reason }]));
}
