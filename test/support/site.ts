import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config.ts";
import { systemFiles } from "../../src/files.ts";
import type { MachineAnswer, RequestStatusAnswer, ReturnRequestsAnswer } from "../../src/hf/answers.ts";
import { systemRandom } from "../../src/random.ts";
import { getRequestStatus } from "../../src/verbs/get_request_status.ts";
import { openProvider } from "../../src/verbs/provider.ts";
import type { Cluster } from "./cluster.ts";
import { eventually } from "./deadline.ts";
import { onHost } from "./hostname.ts";
import { asUser } from "./ordinary_user.ts";
import { type Ran, Running, runToEnd } from "./process.ts";
import { shell } from "./shell.ts";
import { root } from "./tree.ts";

const scripts = `${root}scripts/k8s-hf/providers/k8s-hf/scripts`;

/** The provider scripts, without their ending. */
export type Script =
  | "getAvailableTemplates"
  | "requestMachines"
  | "getRequestStatus"
  | "requestReturnMachines"
  | "getReturnRequests";

/** What a provider script answered: it is checked to be exactly one JSON object. */
export interface Answered extends Ran {
  // deno-lint-ignore no-explicit-any
  answer: any;
}

export interface Asked {
  /** The question, for the file that Symphony gives with `-f`. */
  input?: unknown;
  /** In place of the file. */
  args?: string[];
  /** Text on standard input. */
  stdin?: string;
  environment?: Record<string, string>;
}

/** The manifest that a site's machines are made of: small, and quick to go. */
export const manifest = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { labels: { site: "test" } } as { labels: Record<string, string> },
  spec: {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "symphony", image: "symphony:1" }],
  } as Record<string, unknown>,
};

/** A host with the product on it: directories of its own, the environment that Symphony gives, and what is started there. */
export class Site {
  readonly directory: string;
  workdir: string;
  readonly cluster: Cluster | undefined;
  readonly #running: Running[] = [];
  readonly #others: Site[] = [];
  #uid: number | undefined;
  #hostname: string | undefined;
  #files = 0;

  constructor(directory: string, cluster?: Cluster) {
    this.directory = directory;
    this.workdir = `${directory}/work`;
    this.cluster = cluster;
    // As the legacy plug-in has it with the umask that most hosts have.
    for (const name of ["conf", "work", "input"]) Deno.mkdirSync(`${directory}/${name}`, { mode: 0o755 });
    if (cluster) this.write("kubeconfig", cluster.kubeconfig());
    this.writeTemplates({ small: manifest });
  }

  get confdir(): string {
    return `${this.directory}/conf`;
  }

  get environment(): Record<string, string> {
    return {
      PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
      HOME: this.directory,
      KUBECONFIG: `${this.directory}/kubeconfig`,
      HOSTFACTORY_BIN: binary(),
      HF_PROVIDER_NAME: "k8s-hf",
      HF_PROVIDER_CONFDIR: this.confdir,
      HF_PROVIDER_WORKDIR: this.workdir,
      HF_K8S_PROMETHEUS_PORT: "0", // Many run at once.
    };
  }

  /** Runs everything from now on as this user, whose the work directory is made. */
  become(uid: number): void {
    shell(`chmod 755 '${this.directory}' && chown -R ${uid}:${uid} '${this.workdir}'`);
    this.#uid = uid;
  }

  /**
   * Another host of the same cluster, which ends with this one. @param options `hostname`: what it is called; `workdir`: the one
   * that it shares; absent: it has one of its own
   */
  beside(options: { hostname?: string; workdir?: string } = {}): Site {
    const directory = `${this.directory}/beside-${this.#others.length}`;
    Deno.mkdirSync(directory, { mode: 0o755 });
    const other = new Site(directory, this.cluster);
    other.#hostname = options.hostname;
    if (options.workdir !== undefined) other.workdir = options.workdir;
    this.#others.push(other);
    return other;
  }

  write(path: string, text: string): string {
    Deno.writeTextFileSync(`${this.directory}/${path}`, text);
    return `${this.directory}/${path}`;
  }

  /** Makes these the templates, by id, each with a manifest of its own beside the list. @param more keys of each */
  writeTemplates(manifests: Record<string, object>, more: object = {}): void {
    const templates = Object.keys(manifests).map((templateId) => ({
      templateId,
      maxNumber: 1_000,
      attributes: { type: ["String", "X86_64"], ncpus: ["Numeric", "1"], nram: ["Numeric", "1024"] },
      podSpec: `${templateId}.json`,
      ...more,
    }));
    this.write("conf/k8sprov_templates.json", JSON.stringify({ templates }));
    for (const [id, one] of Object.entries(manifests)) this.write(`conf/${id}.json`, JSON.stringify(one));
  }

  /** Runs a provider script as Symphony does. @throws where it prints anything but one JSON object */
  async ask(script: Script, asked: Asked = {}): Promise<Answered> {
    const { input, stdin, environment = {} } = asked;
    const given = input === undefined
      ? []
      : ["-f", this.write(`input/${this.#files++}.json`, typeof input === "string" ? input : JSON.stringify(input))];
    const command = this.#command(`${scripts}/${script}.sh`, [...given, ...asked.args ?? []]);
    const ran = await runToEnd({ ...command, environment: { ...this.environment, ...environment } }, stdin);
    const answer = parseObject(ran);
    return { ...ran, answer };
  }

  /** As `ask`, and the script has to succeed. @returns the answer */
  // deno-lint-ignore no-explicit-any
  async tell(script: Script, input: unknown, asked: Asked = {}): Promise<any> {
    const { code, stderr, answer } = await this.ask(script, { input, ...asked });
    assert.equal(code, 0, `${script}: ${stderr}`);
    return answer;
  }

  /** Asks for machines. @returns the request's id */
  async request(machineCount: number, options: { templateId?: string; id?: string } = {}): Promise<string> {
    const { templateId = "small", id } = options;
    const template = { templateId, machineCount };
    const { requestId } = await this.tell("requestMachines", { template }, id ? { args: ["--request-id", id] } : {});
    assert.match(requestId, /^[a-z][a-z0-9-]+$/);
    return requestId;
  }

  /** Gives machines back. @returns the return request's id */
  async giveBack(machines: string[]): Promise<string> {
    const input = { machines: machines.map((name) => ({ name })) };
    return (await this.tell("requestReturnMachines", input)).requestId;
  }

  async status(requestId: string): Promise<RequestStatusAnswer> {
    const { requests } = await this.tell("getRequestStatus", { requests: [{ requestId }] });
    assert.equal(requests.length, 1);
    return requests[0];
  }

  /** The status of a request or return request once nothing of it is under way. */
  async settled(requestId: string, options: { seconds?: number } = {}): Promise<RequestStatusAnswer> {
    return await this.statusOnce(requestId, ({ status }) => status !== "running", options);
  }

  /** The status of a request or return request once it fits: the script is run no sooner than it may say so. */
  async statusOnce(
    requestId: string,
    fits: (answer: RequestStatusAnswer) => boolean,
    options: { seconds?: number } = {},
  ): Promise<RequestStatusAnswer> {
    const what = `an answer about request ${requestId} for which ${fits}`;
    await eventually(what, () => this.#mayFit(requestId, fits), options);
    return await eventually(what, async () => {
      const answer = await this.status(requestId);
      return fits(answer) && answer;
    }, options);
  }

  /** Looks, in this process and without changing anything, what the script would say now; true where that cannot be known. */
  #mayFit(requestId: string, fits: (answer: RequestStatusAnswer) => boolean): boolean {
    const config = loadConfig({ workdir: this.workdir }, {});
    const world = { files: systemFiles, clock: systemClock, random: systemRandom, warn: () => {} };
    try {
      // As another user everything that this process does meanwhile would be done.
      if (this.#uid !== undefined || Deno.statSync(this.workdir).uid !== Deno.uid()) return true;
      const { requests: [answer] } = getRequestStatus(openProvider(config, world), { requests: [{ requestId }] });
      return answer === undefined || fits(answer);
    } catch {
      return true;
    }
  }

  /** The machines of a request once all of them run. */
  async allRunning(requestId: string, options: { seconds?: number } = {}): Promise<MachineAnswer[]> {
    const { status, message, machines } = await this.settled(requestId, options);
    assert.equal(status, "complete", message);
    for (const machine of machines) assert.equal(machine.status, "running", machine.message);
    return machines;
  }

  async returnRequests(machines?: string[]): Promise<ReturnRequestsAnswer> {
    return await this.tell("getReturnRequests", machines ? { machines: machines.map((name) => ({ name })) } : {});
  }

  /** Starts `hostfactory`, or another program, with these arguments; it ends with the test at the latest. */
  start(args: string[], options: { environment?: Record<string, string>; program?: string } = {}): Running {
    const command = this.#command(options.program ?? binary(), args);
    const running = new Running({ ...command, environment: { ...this.environment, ...options.environment } });
    this.#running.push(running);
    return running;
  }

  serve(...args: string[]): Running {
    return this.start(["serve", ...args]);
  }

  /** Runs `hostfactory`, or another program, with these arguments to its end. */
  async run(
    args: string[],
    options: { environment?: Record<string, string>; program?: string } = {},
  ): Promise<Ran> {
    const environment = { ...this.environment, ...options.environment };
    return await runToEnd({ ...this.#command(options.program ?? binary(), args), environment });
  }

  #command(program: string, args: string[]): { program: string; args: string[]; directory: string } {
    const { directory } = this;
    const prefix = this.#hostname !== undefined
      ? onHost(this.#hostname)
      : this.#uid !== undefined
      ? asUser(this.#uid)
      : [];
    if (prefix.length === 0) return { program, args, directory };
    const [first = "", ...rest] = prefix;
    return { program: first, args: [...rest, program, ...args], directory };
  }

  /** Makes the work directory say that it is served, and knows every pod that exists, as of now. */
  listed(): void {
    const now = Math.floor(Date.now() / 1000);
    Deno.mkdirSync(`${this.workdir}/views`, { recursive: true });
    this.write(
      "work/views/pods.json",
      JSON.stringify({ completeAt: now, heardAt: now, inode: Deno.statSync(this.workdir).ino }),
    );
    const seenAt = new Date().toISOString();
    Deno.mkdirSync(`${this.workdir}/locks`, { recursive: true });
    this.write(
      "work/locks/pods.json",
      JSON.stringify({ host: "elsewhere", pid: 1, command: "hostfactory serve", since: seenAt, seenAt }),
    );
  }

  /** The names in a directory of the work directory, hidden ones included; none where it is not there. */
  entries(path: string): string[] {
    try {
      return [...Deno.readDirSync(`${this.workdir}/${path}`)].map(({ name }) => name).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** Ends all that was started here. @returns what it said, for a test that failed */
  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#running.map((one) => one.kill());
    await Promise.all([...ended, ...this.#others.map((other) => other[Symbol.asyncDispose]())]);
  }

  /** What everything that was started here has said. */
  get log(): string {
    const said = this.#running.map(({ stdout, stderr }) => stdout + stderr);
    return [...said, ...this.#others.map(({ log }) => log)].join("---\n");
  }
}

/** The machines' names of a request, in order. */
export function machinesOf(requestId: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${requestId}-${index}`);
}

function binary(): string {
  const path = Deno.env.get("HF_BINARY");
  if (!path) throw new Error("HF_BINARY is not set: it names the compiled binary");
  return path;
}

// deno-lint-ignore no-explicit-any
function parseObject({ stdout, stderr }: Ran): any {
  try {
    const answer = JSON.parse(stdout);
    assert.ok(typeof answer === "object" && answer !== null && !Array.isArray(answer));
    return answer;
  } catch {
    throw new Error(`standard output is not one JSON object: ${stdout}\nstandard error: ${stderr}`);
  }
}
