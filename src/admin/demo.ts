import type { Clock } from "../clock.ts";
import type { Environment } from "../config.ts";
import { describeError, ExitCode, HostFactoryError } from "../errors.ts";
import type { Files } from "../files.ts";
import type {
  RequestAnswer,
  RequestStatusAnswer,
  ReturnRequestsAnswer,
  StatusAnswer,
  TemplatesAnswer,
} from "../hf/answers.ts";
import { connectKube } from "../kube/connect.ts";
import type { Kube } from "../kube/kube.ts";
import { leaseName } from "../kube/lease.ts";
import { PodLabel } from "../templates/podspec.ts";
import { type Child, runChild, startChild } from "./child.ts";
import { writeDemoConfiguration } from "./demo_configuration.ts";

/** How to run the demo. */
export interface DemoOptions {
  /** The command that starts this program: its path, or when run from source, Deno with its arguments. */
  self: string[];
  /** An empty directory for everything that is written. */
  directory: string;
  /** Machines to ask for; at least 3, of which two are taken away. */
  machines: number;
  /** The kubeconfig of a real cluster; absent: the embedded one is started. */
  kubeconfig: string | undefined;
  environment: Environment;
  files: Files;
  clock: Clock;
  /** The provider instance, so that no one else's pods are touched. */
  instance: string;
  signal: AbortSignal;
  /** Called with the progress of each step while it runs. */
  progress: (progress: DemoProgress) => void;
  /** Called with the address of the live page once it is up; absent: no page is shown. */
  page?: ((url: string) => void) | undefined;
  /** How long the page stays once everything is done, in milliseconds; default: not at all. */
  pageStaysMs?: number;
  /** Called with each command that is run, as a person would type it; only once for a verb that is repeated. */
  ran: (command: string) => void;
}

/** The progress of a step. */
export interface DemoProgress {
  step: string;
  done: number;
  total: number;
}

/** One step that succeeded. */
export interface DemoStep {
  step: string;
  result: string;
  ms: number;
}

/** How long any one step may take, in milliseconds: a real cluster pulls images and starts nodes. */
const STEP_LIMIT_MS = 300_000;
const POLL_MS = 150;
/** How long it may take, in milliseconds, to delete the pods of a demo that was stopped. */
const CLEAN_UP_MS = 30_000;
/** How many machines are shown by name. */
const SHOWN = 3;
const TAKEN_AWAY = 2;

/**
 * Plays the main job through the real verbs: asks for machines, waits until they run, has the cluster take two away,
 * and gives the others back. Nothing stays behind.
 * @param done called with each step that succeeded, in order
 * @throws HostFactoryError that says what went wrong
 */
export async function runDemo(options: DemoOptions, done: (step: DemoStep) => void): Promise<void> {
  const demo = new Demo(options, done);
  try {
    await demo.run();
  } finally {
    await demo.end();
  }
}

/** The command that deletes the lease of a demo's `serve`, which has no right to do so. */
export function removalOfLease({ instance, kubeconfig }: { instance: string; kubeconfig: string }): string {
  return `kubectl --kubeconfig ${kubeconfig} delete lease ${leaseName(instance)}`;
}

class Demo {
  readonly #options: DemoOptions;
  readonly #done: (step: DemoStep) => void;
  readonly #kubeconfig: string;
  readonly #kube: Kube;
  readonly #children: Child[] = [];
  readonly #told = new Set<string>();

  constructor(options: DemoOptions, done: (step: DemoStep) => void) {
    this.#options = options;
    this.#done = done;
    this.#kubeconfig = options.kubeconfig ?? `${options.directory}/kubeconfig`;
    this.#kube = connectKube({ ...options, kubeconfig: this.#kubeconfig });
  }

  async run(): Promise<void> {
    const { machines, kubeconfig } = this.#options;
    await this.#step(kubeconfig ? "reach the cluster" : "start the embedded cluster", () => this.#startCluster());
    await this.#step("start serve", () => this.#startServe());
    await this.#step("get-available-templates", () => this.#templates());
    let requestId = "";
    await this.#step("request-machines", async () => {
      ({ requestId } = await this.#ask<RequestAnswer>("request-machines", {
        template: { templateId: "demo", machineCount: machines },
      }));
      return `request ${requestId} for ${machines} machines`;
    });
    let names: string[] = [];
    await this.#step("get-request-status until complete", async (step) => {
      const { machines: up } = await this.#untilComplete(requestId, { step, total: machines });
      names = up.map(({ name }) => name);
      check(
        up.every((one) => one.status === "running" && one.machineId && one.privateIpAddress),
        "every machine is up",
      );
      const some = up.slice(0, SHOWN).map(({ name, privateIpAddress }) => `${name} at ${privateIpAddress}`).join(", ");
      return `${up.length} machines running: ${some}${up.length > SHOWN ? ", …" : ""}`;
    });
    const lost = names.slice(0, TAKEN_AWAY);
    await this.#step("the cluster takes two machines away", () => this.#takeAway(lost));
    await this.#step("get-return-requests names them", () => this.#namedAsReturned(names, lost));
    let returnId = "";
    await this.#step("request-return-machines", async () => {
      const rest = names.filter((name) => !lost.includes(name)).map((name) => ({ name }));
      ({ requestId: returnId } = await this.#ask<RequestAnswer>("request-return-machines", { machines: rest }));
      return `return request ${returnId} for ${rest.length} machines`;
    });
    await this.#step("get-request-status of the return until complete", async (step) => {
      const { machines: gone } = await this.#untilComplete(returnId, { step, total: machines - TAKEN_AWAY });
      const some = gone.slice(0, SHOWN).map(({ name }) => name).join(", ");
      return `${gone.length} machines terminated: ${some}${gone.length > SHOWN ? ", …" : ""}`;
    });
    await this.#step("nothing is left", () => this.#nothingLeft(requestId));
    await this.#step("stop serve", () => this.#stopServe());
  }

  /** Deletes what is left of a demo that was stopped, and ends what was started for it. */
  async end(): Promise<void> {
    if (this.#options.signal.aborted && this.#options.kubeconfig !== undefined) await this.#deletePods();
    for (const child of this.#children.reverse()) await child.stop();
  }

  /** @throws HostFactoryError, with the command to do it by hand, if it fails */
  async #deletePods(): Promise<void> {
    const { clock, instance, kubeconfig = "" } = this.#options;
    const labelSelector = `${PodLabel.instance}=${instance}`;
    const ending = { signal: new AbortController().signal, timeoutMs: CLEAN_UP_MS };
    try {
      // `serve` is stopped first: it might create pods again that are deleted.
      await this.#children.pop()?.stop();
      const untilMs = clock.monotonic() + CLEAN_UP_MS;
      for (;;) {
        const { items } = await this.#kube.listPods({ labelSelector, ...ending });
        if (items.length === 0 || clock.monotonic() > untilMs) return;
        for (const { metadata: { name = "", uid = "", deletionTimestamp } } of items) {
          if (deletionTimestamp === undefined) await this.#kube.deletePod(name, { uid, ...ending });
        }
        await clock.sleep(POLL_MS);
      }
    } catch (error) {
      throw new HostFactoryError(`Pods of the demo may be left: ${describeError(error)}`, {
        hint: `kubectl --kubeconfig ${kubeconfig} delete pods -l ${labelSelector}`,
        exitCode: ExitCode.interrupted,
      });
    }
  }

  async #step(step: string, work: (step: string) => Promise<string>): Promise<void> {
    const startedMs = this.#options.clock.monotonic();
    this.#options.progress({ step, done: 0, total: 0 });
    try {
      const result = await work(step);
      this.#done({ step, result, ms: this.#options.clock.monotonic() - startedMs });
    } catch (error) {
      const { directory, signal } = this.#options;
      // The signal ends the children, too, which makes a step fail: then the signal is the reason, and not the step.
      signal.throwIfAborted();
      throw new HostFactoryError(`Step '${step}' failed: ${(error as Error).message}`, {
        cause: error,
        hint: `the log is ${directory}/hostfactory.log`,
      });
    }
  }

  async #startCluster(): Promise<string> {
    const { kubeconfig, files, directory } = this.#options;
    if (!kubeconfig) {
      this.#start(["simulate", "--seed", "1", "--kubeconfig", this.#kubeconfig]);
      await this.#until(() => exists(files, this.#kubeconfig), "the embedded cluster listens");
    }
    writeDemoConfiguration(files, `${directory}/conf`);
    await this.#kube.listPods({ limit: 1, signal: this.#options.signal });
    return kubeconfig ? `pods can be listed with ${kubeconfig}` : "it answers";
  }

  async #startServe(): Promise<string> {
    const { files, directory } = this.#options;
    const port = this.#options.page ? freePort() : 0;
    this.#start(["serve", "--prometheus-port", String(port), "--kubeconfig", this.#kubeconfig]);
    await this.#until(() => exists(files, `${directory}/work/views/pods.json`), "serve has listed the pods");
    if (port === 0) return "its view of the cluster is complete";
    const url = `http://127.0.0.1:${port}/`;
    this.#options.page?.(url);
    return `its view of the cluster is complete, and its page is ${url}`;
  }

  async #templates(): Promise<string> {
    const { templates } = await this.#ask<TemplatesAnswer>("get-available-templates", {});
    check(templates.length === 1, "one template is offered");
    return "1 template";
  }

  async #takeAway(names: string[]): Promise<string> {
    const { signal } = this.#options;
    for (const name of names) {
      const { metadata } = await this.#kube.getPod(name, { signal });
      await this.#kube.deletePod(name, { uid: metadata.uid ?? "", signal });
    }
    return `pods ${names.join(" and ")} deleted behind Symphony's back`;
  }

  async #namedAsReturned(names: string[], lost: string[]): Promise<string> {
    let named: string[] = [];
    await this.#until(async () => {
      const question = { machines: names.map((name) => ({ name })) };
      const { requests } = await this.#ask<ReturnRequestsAnswer>("get-return-requests", question);
      named = requests.map(({ machine }) => machine).sort();
      return named.length >= lost.length;
    }, "the machines are named");
    check(named.join() === [...lost].sort().join(), `exactly ${lost.join(" and ")} are named, not ${named.join(", ")}`);
    return `exactly these two of ${names.length}`;
  }

  /**
   * Checks that the machines that were given back still count as succeeded, and that the two that were taken away
   * failed with a reason.
   */
  async #nothingLeft(requestId: string): Promise<string> {
    const { signal } = this.#options;
    const labelSelector = `symphony/hostfactory-reqid=${requestId}`;
    await this.#until(
      async () => (await this.#kube.listPods({ labelSelector, signal })).items.length === 0,
      "no pod of the request exists",
    );
    const { status, machines } = await this.#status(requestId);
    const failed = machines.filter(({ result }) => result === "fail");
    check(
      status === "complete_with_error" && failed.length === TAKEN_AWAY,
      "only the machines taken away count as failed",
    );
    return `no pod, no machine running; ${failed.length} failed: ${failed[0]?.message}`;
  }

  async #stopServe(): Promise<string> {
    const { clock, signal, pageStaysMs = 0 } = this.#options;
    if (pageStaysMs > 0) await clock.sleep(pageStaysMs, signal);
    const code = await this.#children.pop()?.stop();
    check(code === 0, `serve ends with exit status 0, not ${code}`);
    return "exit status 0";
  }

  async #untilComplete(
    requestId: string,
    { step, total }: { step: string; total: number },
  ): Promise<RequestStatusAnswer> {
    let answer: RequestStatusAnswer | undefined;
    await this.#until(async () => {
      answer = await this.#status(requestId);
      const done = answer.machines.filter(({ result }) => result !== "executing").length;
      this.#options.progress({ step, done, total });
      return answer.status !== "running";
    }, `request ${requestId} is complete`);
    if (answer?.status !== "complete") {
      throw new HostFactoryError(`request ${requestId} is ${answer?.status}: ${answer?.message}`);
    }
    return answer;
  }

  async #status(requestId: string): Promise<RequestStatusAnswer> {
    const { requests } = await this.#ask<StatusAnswer>("get-request-status", { requests: [{ requestId }] });
    const [answer] = requests;
    if (!answer) throw new HostFactoryError(`get-request-status says nothing of ${requestId}`);
    return answer;
  }

  /** Calls a verb as host factory does: with the question in a file and the answer on standard output. */
  async #ask<Answer>(verb: string, question: unknown): Promise<Answer> {
    const { directory, files, signal } = this.#options;
    const input = `${directory}/input.json`;
    files.writeText(input, JSON.stringify(question));
    if (!this.#told.has(verb)) this.#options.ran(`hostfactory ${verb} -f input.json`);
    this.#told.add(verb);
    const { code, stdout } = await runChild(this.#command([verb, "-f", input]), { signal });
    const answer = JSON.parse(stdout);
    if (code !== 0) throw new HostFactoryError(`${verb} says: ${answer.message}`);
    return answer;
  }

  #start(args: string[]): void {
    this.#options.ran(["hostfactory", ...args].join(" "));
    this.#children.push(startChild(this.#command(args)));
  }

  #command(args: string[]): string[] {
    const { self, directory, instance } = this.#options;
    const files = ["--workdir", `${directory}/work`, "--confdir", `${directory}/conf`];
    return [...self, ...files, "--log-file", `${directory}/hostfactory.log`, "--instance", instance, ...args];
  }

  async #until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const { clock, signal } = this.#options;
    const deadlineMs = clock.monotonic() + STEP_LIMIT_MS;
    while (!(await condition())) {
      for (const child of this.#children) {
        if (child.exitCode !== undefined) {
          throw new HostFactoryError(`'${child.name}' ended with status ${child.exitCode}`);
        }
      }
      if (clock.monotonic() > deadlineMs) {
        throw new HostFactoryError(`this is not so after ${STEP_LIMIT_MS / 1000} s: ${what}`);
      }
      await clock.sleep(POLL_MS, signal);
    }
  }
}

/** A port that is free now. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function check(isSo: boolean, what: string): void {
  if (!isSo) throw new HostFactoryError(`this is not so: ${what}`);
}

function exists(files: Files, path: string): boolean {
  try {
    return files.info(path).kind === "file";
  } catch {
    return false;
  }
}
