import { parseMachineName } from "../hf/names.ts";
import { GatheringLog } from "../log.ts";
import { readRequestRecord } from "./requests.ts";
import type { Workdir } from "./store/workdir.ts";

const failures = new GatheringLog("machines", "Machines failed", { of: "machines" });

/** Says which machines were lost to Symphony and why: one warning for each template and reason, however many machines there are. */
export class FailureLog {
  readonly #workdir: Workdir;
  /** By request. */
  readonly #templates = new Map<string, string | undefined>();

  constructor(workdir: Workdir) {
    this.#workdir = workdir;
  }

  note(machine: string, reason: string): void {
    failures.note(machine, () => ({ template: this.#templateOf(machine), reason }));
  }

  #templateOf(machine: string): string | undefined {
    const requestId = parseMachineName(machine)?.requestId ?? "";
    if (!this.#templates.has(requestId)) this.#templates.set(requestId, this.#readTemplate(requestId));
    return this.#templates.get(requestId);
  }

  #readTemplate(requestId: string): string | undefined {
    try {
      return readRequestRecord(this.#workdir, requestId)?.templateId;
    } catch {
      return undefined; // Who needs the request says what is wrong with it.
    }
  }
}
