import { existsSync } from "node:fs";
import { resolve } from "node:path";

const kit = resolve(import.meta.dirname!, "../../../shared/cluster/cluster");

/** What a machine lacks on which there is no kubectl to test with. */
export const lacksKubectl: string | undefined = existsSync(kit) ? undefined : "kubectl, which is in ../shared/cluster";

/** What a run of kubectl said. */
export interface KubectlRun {
  code: number;
  stdout: string;
  stderr: string;
}

/** A kubectl of the version of the API server, with a home of its own. */
export class Kubectl {
  readonly #directory: string;
  readonly #kubeconfig: string;
  readonly #binary: string;

  /** @param directory where it may keep its files */
  constructor(directory: string, kubeconfig: string) {
    this.#directory = directory;
    this.#kubeconfig = `${directory}/kubectl.kubeconfig`;
    Deno.writeTextFileSync(this.#kubeconfig, kubeconfig);
    const { stdout } = new Deno.Command(kit, { args: ["binary"], stdin: "null" }).outputSync();
    this.#binary = new TextDecoder().decode(stdout).trim();
  }

  /** Runs it to its end. @param inputs the objects that it reads if it is told `-f -` */
  async run(args: string[], ...inputs: unknown[]): Promise<KubectlRun> {
    const child = new Deno.Command(this.#binary, {
      args: ["kubectl", ...args],
      env: { KUBECONFIG: this.#kubeconfig, HOME: this.#directory },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    // One that reads no input may be gone by now.
    await writer.write(new TextEncoder().encode(inputs.map((input) => JSON.stringify(input)).join("\n---\n"))).catch(
      () => {},
    );
    await writer.close().catch(() => {});
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout).trim(), stderr: decoder.decode(stderr).trim() };
  }

  /** What it prints. @throws where it fails */
  async says(args: string[], ...inputs: unknown[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, ...inputs);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${code} ${stderr}`);
    return stdout;
  }

  /** What it complains of. @throws where it does not fail */
  async refuses(args: string[], ...inputs: unknown[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, ...inputs);
    if (code === 0) throw new Error(`kubectl ${args.join(" ")} did not fail: ${stdout}`);
    return stderr;
  }
}
