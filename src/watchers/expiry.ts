import { epochSeconds } from "../clock.ts";
import { parseMachineName } from "../hf/names.ts";
import type { StatusWord } from "../hf/status.ts";
import { logger } from "../log.ts";
import {
  type MachineRecord,
  type PodFacts,
  readMachineRecord,
  readPodFacts,
  readStatusWord,
  writeMachineRecord,
  writeStatusWord,
} from "../workdir/machines.ts";
import { syncRequest } from "../workdir/requests.ts";
import { Deletions } from "./deletions.ts";
import type { Loop, Outcome } from "./outcome.ts";
import { readPodFile } from "./pod_file.ts";
import { pendingReason } from "./reason.ts";
import type { Watching } from "./watching.ts";

/** How often, in milliseconds, pods are looked over. */
const LOOK_EVERY_MS = 5_000;

/** What is to be done about a machine whose pod exists. */
export function decideExpiry(
  machine: { word: StatusWord | undefined; record: MachineRecord | undefined; pod: PodFacts; returned: boolean },
  options: { now: number; podTimeoutSeconds: number },
): "stays" | "expires" | "delete" {
  const { word, record, pod, returned } = machine;
  if (returned) return "stays"; // Its deletion is the return requests' watcher's.
  if (record?.givenUp) return "delete";
  const waiting = word === "pending" || word === "creating";
  return waiting && options.now - pod.createdAt > options.podTimeoutSeconds ? "expires" : "stays";
}

const log = logger("expiry");

/** Gives up on machines whose pods are pending too long, and deletes every pod that was given up on until it is gone. */
export class ExpiryWatcher implements Loop {
  readonly name = "expiry";
  readonly #watching: Watching;
  readonly #podTimeoutSeconds: number;
  readonly #dryRun: boolean;
  readonly #deletions: Deletions;

  /** @param options `dryRun` logs what would be done, and does nothing */
  constructor(watching: Watching, options: { podTimeoutSeconds: number; dryRun?: boolean; wake: () => void }) {
    this.#watching = watching;
    this.#podTimeoutSeconds = options.podTimeoutSeconds;
    this.#dryRun = options.dryRun ?? false;
    this.#deletions = new Deletions(watching, { name: this.name, wake: options.wake });
  }

  step(_signal: AbortSignal): Promise<Outcome> {
    const { workdir, clock, returns } = this.#watching;
    returns.refresh(clock.now());
    for (const machine of workdir.names(workdir.layout.pods)) this.#look(machine);
    this.#deletions.start();
    return Promise.resolve({ kind: "again", atMs: clock.monotonic() + LOOK_EVERY_MS });
  }

  /** Resolves once no delete is under way. */
  drained(): Promise<void> {
    return this.#deletions.drained();
  }

  #look(machine: string): void {
    const { workdir, clock, returns } = this.#watching;
    const word = readStatusWord(workdir, machine);
    // Most pods run: they need no second look.
    if (word === "running" || word === "succeeded") return;
    const pod = readPodFacts(workdir, machine);
    if (!pod) return;
    const state = { word, pod, record: readMachineRecord(workdir, machine), returned: returns.has(machine) };
    const now = epochSeconds(clock.now());
    const todo = decideExpiry(state, { now, podTimeoutSeconds: this.#podTimeoutSeconds });
    if (todo === "stays") return;
    if (this.#dryRun) return log.info("Would delete the pod", { machine, pendingSeconds: now - pod.createdAt });
    if (todo === "expires") this.#giveUp(machine, pod);
    this.#deletions.want(machine, pod);
  }

  /** First why and that it is over, made to last, and only then the deletion. */
  #giveUp(machine: string, { uid, privateIpAddress, createdAt }: PodFacts): void {
    const { workdir } = this.#watching;
    const pod = readPodFile(workdir, machine);
    const message = `Not running after ${this.#podTimeoutSeconds} s: ${
      pod ? pendingReason(pod) : "no reason is known"
    }`;
    const given = { up: false, returned: false, givenUp: true, message };
    const record = { ...given, uid, privateIpAddress, launchtime: createdAt };
    writeMachineRecord(workdir, machine, record, { sync: true });
    workdir.files.sync(workdir.layout.machines);
    const requestId = parseMachineName(machine)?.requestId ?? "";
    if (workdir.kind(workdir.layout.request(requestId)) === "directory") syncRequest(workdir, requestId);
    writeStatusWord(workdir, machine, "failed");
    log.warn("Machine given up", { machine, message });
  }
}
