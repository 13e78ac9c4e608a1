import type { Pod } from "../../src/kube/types.ts";
import type { Cluster } from "./cluster.ts";
import { legacyPluginPod } from "./legacy_plugin.ts";
import { machinesOf, type Site } from "./site.ts";

/**
 * Plays the legacy plug-in on a site, one deed at a time, so that a test can stop it between any two of them: it leaves
 * the files that the legacy plug-in leaves (source: `interface.md`, "Work directory", and the fixture that it wrote).
 */
export class LegacyPluginActor {
  readonly #site: Site & { cluster: Cluster };
  #temporaries = 0;

  constructor(site: Site & { cluster: Cluster }) {
    this.#site = site;
    for (const name of ["requests", "return-requests", "pods", "pods-status", "events", "nodes"]) {
      Deno.mkdirSync(`${site.workdir}/${name}`, { recursive: true });
    }
  }

  /** Its verb request-machines. @returns the machines */
  request(id: string, count: number): string[] {
    Deno.renameSync(this.killedRequest(id, count), `${this.#site.workdir}/requests/${id}`);
    return machinesOf(id, count);
  }

  /** The same, killed before the request was there: a hidden directory stays, and the words. @returns where */
  killedRequest(id: string, count: number): string {
    const hidden = this.#hiddenDirectory();
    for (const machine of machinesOf(id, count)) {
      this.state(machine, "creating");
      Deno.symlinkSync(`${this.#site.confdir}/small.json`, `${hidden}/${machine}`);
    }
    return hidden;
  }

  /** Its verb request-return-machines. */
  giveBack(id: string, machines: string[]): void {
    const hidden = this.#hiddenDirectory();
    for (const machine of machines) Deno.writeTextFileSync(`${hidden}/${machine}`, "");
    Deno.renameSync(hidden, `${this.#site.workdir}/return-requests/${id}`);
  }

  /** Creates the machine's pod; the note of that is `settle`. */
  async create(machine: string, behaviour?: string): Promise<void> {
    const { requestId, index } = parts(machine);
    const pod = legacyPluginPod(requestId, index);
    if (behaviour !== undefined) pod.metadata.labels["hostfactory.test/behaviour"] = behaviour;
    await this.#site.cluster.createPod(pod);
  }

  /** Notes that the machine's pod has been created. */
  settle(machine: string): void {
    const path = `${this.#site.workdir}/requests/${parts(machine).requestId}/${machine}`;
    Deno.removeSync(path);
    Deno.writeTextFileSync(path, "");
  }

  /** Marks a request or return request as handled. */
  processed(kind: "requests" | "return-requests", id: string): void {
    Deno.writeTextFileSync(`${this.#site.workdir}/${kind}/${id}/.processed`, "");
  }

  /** Follows the machine's pod: its file, and its phase as the state. */
  see(machine: string, pod: Pod | undefined): void {
    if (!pod) throw new Error(`there is no pod '${machine}'`);
    Deno.writeTextFileSync(`${this.#site.workdir}/pods/${machine}`, JSON.stringify(inSnakeCase(pod)));
    this.state(machine, (pod.status?.phase ?? "Pending").toLowerCase());
  }

  /** Has seen the machine's pod go. */
  gone(machine: string): void {
    Deno.removeSync(`${this.#site.workdir}/pods/${machine}`);
    this.state(machine, "deleted");
  }

  state(machine: string, state: string): void {
    const path = `${this.#site.workdir}/pods-status/${machine}`;
    const hidden = `${this.#site.workdir}/pods-status/.tmp${this.#temporaries++}`;
    Deno.symlinkSync(state, hidden);
    Deno.renameSync(hidden, path);
  }

  #hiddenDirectory(): string {
    const path = `${this.#site.workdir}/.tmp${this.#temporaries++}`;
    Deno.mkdirSync(path);
    return path;
  }
}

function parts(machine: string): { requestId: string; index: number } {
  const at = machine.lastIndexOf("-");
  return { requestId: machine.slice(0, at), index: Number(machine.slice(at + 1)) };
}

/** An object of the API as the legacy plug-in writes it: keys in snake_case, times in seconds since the epoch. */
function inSnakeCase(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) return value.map((one) => inSnakeCase(one));
  if (typeof value === "string" && /(Timestamp|Time|At)$/.test(key)) return Date.parse(value) / 1000;
  if (typeof value !== "object" || value === null) return value;
  // What users choose the keys of stays as it is.
  if (key === "labels" || key === "annotations") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, below]) => [
      name.replace(/IPs$/, "Ips").replace(/IP$/, "Ip").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      inSnakeCase(below, name),
    ]),
  );
}
