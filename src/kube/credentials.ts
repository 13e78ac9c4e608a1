import type { Clock } from "../clock.ts";
import type { Files } from "../files.ts";
import { CredentialFiles } from "./credential_files.ts";
import { KubeError } from "./errors.ts";
import { type ExecCredential, runExecPlugin, type RunPlugin } from "./exec_plugin.ts";
import { parseKubeconfigs } from "./kubeconfig.ts";
import { type AskPlugin, kubeconfigLogin } from "./kubeconfig_login.ts";
import type { Login, LoginSource } from "./login.ts";
import { chooseProxy } from "./proxy.ts";
import { inPod, serviceAccountLogin } from "./service_account.ts";

/** How often files are looked at again, and how long a failure is repeated without trying anew, in milliseconds. */
const CHECK_MS = 1_000;

/** A plug-in whose credentials the server rejects is not run more often than this, in milliseconds. */
const PLUGIN_INTERVAL_MS = 5_000;

export interface CredentialsOptions {
  environment: Record<string, string | undefined>;
  files: Files;
  clock: Clock;
  /** Runs credential plug-ins. */
  runPlugin: RunPlugin;
  /** A kubeconfig that is to be used and nothing else. */
  kubeconfig?: string;
  /** Wins over the namespace of the context. */
  namespace?: string;
  /** Wins over the kubeconfig's `proxy-url` and the environment. */
  proxy?: string;
}

/**
 * Where the cluster is and how we log in: the kubeconfig that was named, else in a pod its service account, else the files
 * of `KUBECONFIG` (separated by `:`), else `~/.kube/config`. Nothing is read before it is needed.
 */
export class Credentials implements LoginSource {
  readonly #options: CredentialsOptions;
  #login: Login | undefined;
  #failure: unknown;
  #files: CredentialFiles | undefined;
  #checkedAt = -Infinity;
  #loading: Promise<Login> | undefined;
  #plugin: { key: string; credential: ExecCredential; askedAt: number; rejected: boolean } | undefined;
  /** True where the login holds what the plug-in gave. */
  #usesPlugin = false;

  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  current(): Promise<Login> {
    this.#loading ??= this.#load().finally(() => this.#loading = undefined);
    return this.#loading;
  }

  rejected(login: Login): void {
    if (login !== this.#login) return; // There is a newer one by now.
    this.#login = undefined;
    this.#failure = undefined;
    if (this.#plugin) this.#plugin.rejected = true;
  }

  async #load(): Promise<Login> {
    const { clock } = this.#options;
    const age = clock.monotonic() - this.#checkedAt;
    if (age < CHECK_MS) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#login && !this.#pluginExpired()) return this.#login;
    }
    this.#checkedAt = clock.monotonic();
    if (this.#login && !this.#pluginExpired() && !this.#files?.changed()) return this.#login;
    this.#login = this.#failure = undefined;
    try {
      return this.#login = await this.#read();
    } catch (error) {
      throw this.#failure = error;
    }
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

  /** Runs a plug-in where what it gave last has expired, was rejected, or was for another configuration. */
  readonly #askPlugin: AskPlugin = async (exec, { command, source, cluster }) => {
    const { clock, environment, runPlugin } = this.#options;
    this.#usesPlugin = true;
    const key = JSON.stringify([exec, command, cluster]);
    const last = this.#plugin;
    if (last?.key === key && !this.#pluginExpired()) {
      if (!last.rejected || clock.monotonic() - last.askedAt < PLUGIN_INTERVAL_MS) return last.credential;
    }
    const askedAt = clock.monotonic();
    const credential = await runExecPlugin(exec, { command, source, cluster, environment, clock, run: runPlugin });
    this.#plugin = { key, credential, askedAt, rejected: false };
    return credential;
  };

  #pluginExpired(): boolean {
    const expires = this.#usesPlugin ? this.#plugin?.credential.expiresMs : undefined;
    return expires !== undefined && this.#options.clock.now() >= expires;
  }
}
