import type { Clock } from "../../clock.ts";
import type { Files } from "../../files.ts";
import { CredentialFiles } from "./credential_files.ts";
import { logger } from "../../log.ts";
import { KubeError } from "../errors.ts";
import { type ExecCredential, runExecPlugin } from "./exec_plugin.ts";
import { parseKubeconfigs } from "./kubeconfig.ts";
import { type AskPlugin, kubeconfigLogin } from "./kubeconfig_login.ts";
import type { Login, LoginSource } from "../transport/login.ts";
import type { RunPlugin } from "./plugin_process.ts";
import { chooseProxy } from "../transport/proxy.ts";
import { inPod, serviceAccountLogin } from "./service_account.ts";

const log = logger("cluster");

/**
 * How often files are checked for changes, and how long a failure is repeated without another attempt, in milliseconds.
 */
const CHECK_MS = 1_000;

/** The least time between two runs of a plug-in, in milliseconds, even if it failed or its credential was rejected. */
const PLUGIN_INTERVAL_MS = 5_000;

export interface CredentialsOptions {
  environment: Record<string, string | undefined>;
  files: Files;
  clock: Clock;
  /** Runs credential plug-ins. */
  runPlugin: RunPlugin;
  /** A kubeconfig to use instead of any other credentials. */
  kubeconfig?: string | undefined;
  /** Wins over the namespace of the context. */
  namespace?: string | undefined;
  /** Wins over the kubeconfig's `proxy-url` and the environment. */
  proxy?: string | undefined;
}

/** A plug-in that has been run. */
interface AskedPlugin {
  /** How it was run, and for which cluster, as JSON. */
  key: string;
  /** Its credential, or why it failed. */
  answer: Promise<ExecCredential>;
  /** Wall-clock time from which its credential must not be used; -Infinity if it failed or was rejected. */
  goodUntilMs: number;
  /** Monotonic time before which it is not run again. */
  restsUntilMs: number;
}

/**
 * Where the cluster is and how we log in, from the first of these: the kubeconfig that the options name, the service
 * account of the pod that we run in, the files of `KUBECONFIG` (separated by `:`), `~/.kube/config`. Nothing is read
 * before it is needed.
 */
export class Credentials implements LoginSource {
  readonly #options: CredentialsOptions;
  #login: Login | undefined;
  #failure: unknown;
  #files: CredentialFiles | undefined;
  #checkedAt = -Infinity;
  #loading: Promise<Login> | undefined;
  #plugin: AskedPlugin | undefined;
  #logged: string | undefined;
  /** True if the login contains the plug-in's credential. */
  #usesPlugin = false;

  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  current(): Promise<Login> {
    this.#loading ??= this.#load().finally(() => this.#loading = undefined);
    return this.#loading;
  }

  rejected(login: Login): void {
    if (login !== this.#login) return; // There is already a newer one.
    this.#login = undefined;
    this.#failure = undefined;
    if (this.#plugin) this.#plugin.goodUntilMs = -Infinity;
  }

  async #load(): Promise<Login> {
    const { clock } = this.#options;
    const age = clock.monotonic() - this.#checkedAt;
    if (age < CHECK_MS) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#login && !this.#pluginIsDue()) return this.#login;
    }
    this.#checkedAt = clock.monotonic();
    if (this.#login && !this.#pluginIsDue() && !this.#files?.changed()) return this.#login;
    this.#login = this.#failure = undefined;
    try {
      const login = this.#login = await this.#read();
      this.#logLogin(login);
      return login;
    } catch (error) {
      throw this.#failure = error;
    }
  }

  /** Logs where the credentials lead and whose they are, at first and whenever that changes. */
  #logLogin({ server, namespace, source }: Login): void {
    const place = JSON.stringify([server, namespace, source]);
    if (this.#logged !== place) log.info("Credentials read", { server, namespace, source });
    this.#logged = place;
  }

  async #read(): Promise<Login> {
    const { environment, files, kubeconfig, namespace, proxy } = this.#options;
    const seen = this.#files = new CredentialFiles(files);
    this.#usesPlugin = false;
    const login = kubeconfig === undefined && inPod(seen, environment)
      ? serviceAccountLogin(seen, environment)
      : await this.#readKubeconfigs(seen);
    const { proxy: ownProxy, ...transport } = login.transport;
    const chosen = chooseProxy(login.server, { asked: proxy || ownProxy, environment });
    return {
      ...login,
      namespace: namespace || login.namespace,
      transport: chosen === undefined ? transport : { ...transport, proxy: chosen },
    };
  }

  async #readKubeconfigs(seen: CredentialFiles): Promise<Login> {
    const paths = this.#paths();
    const found = paths.flatMap((path) => {
      const text = seen.readIfThere(path, `kubeconfig '${path}'`);
      return text === undefined ? [] : [{ path, text }];
    });
    const listed = paths.map((path) => `'${path}'`).join(", ");
    if (found.length === 0) {
      throw new KubeError("unauthorised", `There are no credentials for Kubernetes: ${listed} does not exist`, {
        hint: "set KUBECONFIG, or run in a pod with a service account",
      });
    }
    return kubeconfigLogin(await parseKubeconfigs(found), { listed, files: seen, askPlugin: this.#askPlugin });
  }

  #paths(): string[] {
    const { environment, kubeconfig } = this.#options;
    if (kubeconfig !== undefined) return [kubeconfig];
    const listed = (environment.KUBECONFIG ?? "").split(":").filter(Boolean);
    return listed.length > 0 ? listed : [`${environment.HOME ?? "~"}/.kube/config`];
  }

  /** Runs a plug-in, unless its last credential can still be used and was given for the same configuration. */
  readonly #askPlugin: AskPlugin = async (exec, { command, source, cluster }) => {
    const { clock, environment, runPlugin } = this.#options;
    this.#usesPlugin = true;
    const key = JSON.stringify([exec, command, cluster]);
    if (this.#plugin?.key === key && !this.#isDue(this.#plugin)) return await this.#plugin.answer;
    const answer = runExecPlugin(exec, { command, source, cluster, environment, clock, run: runPlugin });
    const goodUntilMs = await answer.then(({ expiresMs = Infinity }) => expiresMs, () => -Infinity);
    this.#plugin = { key, answer, goodUntilMs, restsUntilMs: clock.monotonic() + PLUGIN_INTERVAL_MS };
    return await answer;
  };

  #isDue({ goodUntilMs, restsUntilMs }: AskedPlugin): boolean {
    const { clock } = this.#options;
    return clock.now() >= goodUntilMs && clock.monotonic() >= restsUntilMs;
  }

  #pluginIsDue(): boolean {
    return this.#usesPlugin && this.#plugin !== undefined && this.#isDue(this.#plugin);
  }
}
