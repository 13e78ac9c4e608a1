import { existsSync } from "node:fs";
import { runToEnd } from "../support/process.ts";
import { shell } from "../support/shell.ts";
import { root } from "../support/tree.ts";

const kit = `${root}../shared/cluster/cluster`;

export type Component = "etcd" | "kube-apiserver" | "kube-scheduler" | "kube-controller-manager" | "kwok";

/** A real control plane of our own, whose parts can be stopped; from the kit beside the checkout. */
export class ControlPlane implements AsyncDisposable {
  readonly #directory: string;
  readonly #nodes: number;

  private constructor(directory: string, nodes: number) {
    this.#directory = directory;
    this.#nodes = nodes;
  }

  /** True where the kit is there. */
  static get isThere(): boolean {
    return existsSync(kit);
  }

  /** Starts one with so many nodes, all of whose files are in `directory`. */
  static async start(directory: string, { nodes }: { nodes: number }): Promise<ControlPlane> {
    const plane = new ControlPlane(`${directory}/cluster`, nodes);
    await plane.#run("up", "--nodes", String(nodes));
    return plane;
  }

  /** The administrator's. */
  get kubeconfig(): string {
    return `${this.#directory}/kubeconfig`;
  }

  /** The kubeconfig of a user who logs in with a certificate and has no rights yet. */
  async user(name: string): Promise<string> {
    return (await this.#run("user", name)).trim();
  }

  async stop(component: Component): Promise<void> {
    await this.#run("stop", component);
  }

  async kill(component: Component): Promise<void> {
    await this.#run("kill", component);
  }

  async start(component: Component): Promise<void> {
    await this.#run("start", component);
  }

  async pause(component: Component): Promise<void> {
    await this.#run("pause", component);
  }

  async resume(component: Component): Promise<void> {
    await this.#run("resume", component);
  }

  /** Copies what etcd holds, as it is at one moment. @returns puts it back, while etcd is stopped */
  async snapshot(): Promise<() => void> {
    const [data, copy] = [`${this.#directory}/etcd`, `${this.#directory}/etcd-snapshot`];
    const copied = (from: string, to: string) => shell(`rm -rf '${to}' && cp -a '${from}' '${to}'`);
    await this.pause("etcd");
    copied(data, copy);
    await this.resume("etcd");
    return () => void copied(copy, data);
  }

  /** Brings back the nodes that are missing. */
  async restoreNodes(): Promise<void> {
    await this.#run("nodes", String(this.#nodes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#run("down");
  }

  async #run(...args: string[]): Promise<string> {
    const environment = { PATH: Deno.env.get("PATH") ?? "", HOME: Deno.env.get("HOME") ?? "" };
    const { code, stdout, stderr } = await runToEnd({
      program: kit,
      args: [...args, "--dir", this.#directory],
      environment,
      directory: root,
    });
    if (code !== 0) throw new Error(`cluster ${args.join(" ")}: ${stderr}`);
    return stdout;
  }
}
