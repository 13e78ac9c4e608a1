import * as v from "valibot";
import { type Clock, NOT_NEEDED } from "../../clock.ts";
import { KubeError } from "../errors.ts";
import type { Exec } from "./kubeconfig.ts";
import type { PluginResult, RunPlugin } from "./plugin_process.ts";

/** The credential that a plug-in printed. Secret. */
export interface ExecCredential {
  token?: string;
  cert?: string;
  key?: string;
  /**
   * Wall-clock time in milliseconds from which on the plug-in is asked again; absent: once the server rejects the
   * credential.
   */
  expiresMs?: number;
}

/** How long a plug-in may take, in milliseconds. */
const PLUGIN_TIMEOUT_MS = 60_000;

/** A credential is a few KB; a plug-in that prints more than this to standard output is killed. */
const STDOUT_LIMIT_BYTES = 1024 * 1024;

/** How much of standard error is kept: the end, because the last line says why a plug-in failed. */
const STDERR_LIMIT_BYTES = 64 * 1024;

/**
 * A credential is renewed this long before it expires, in milliseconds, or at nine tenths of its life if that is later.
 */
const RENEW_BEFORE_MS = 60_000;

const CredentialSchema = v.object({
  status: v.object({
    token: v.nullish(v.string()),
    clientCertificateData: v.nullish(v.string()),
    clientKeyData: v.nullish(v.string()),
    expirationTimestamp: v.nullish(v.string()),
  }),
});

/** How a plug-in is run. */
export interface ExecPluginOptions {
  /** `exec.command`, made absolute if it is a path. */
  command: string;
  /** In words: `user 'x' of '/home/x/.kube/config'`. */
  source: string;
  /** What the plug-in is told of the cluster, if it asks for that (`provideClusterInfo`). */
  cluster: Record<string, unknown>;
  environment: Record<string, string | undefined>;
  clock: Clock;
  run: RunPlugin;
}

/** A plug-in as error messages name it. */
interface NamedPlugin {
  exec: Exec;
  source: string;
}

/**
 * Asks a credential plug-in
 * (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins).
 * @throws KubeError `unauthorised`, with the last line that the plug-in wrote to standard error
 */
export async function runExecPlugin(exec: Exec, options: ExecPluginOptions): Promise<ExecCredential> {
  const plugin = { exec, source: options.source };
  if (exec.interactiveMode === "Always") {
    throw pluginError(plugin, "has to ask a person (interactiveMode: Always), and there is none");
  }
  const { isOverLimit, exitStatus, stdout, stderr } = await runInTime(plugin, options);
  if (isOverLimit) throw pluginError(plugin, `printed more than ${STDOUT_LIMIT_BYTES / 1024 / 1024} MiB`);
  if (exitStatus !== 0) {
    const why = lastLine(stderr) || "it does not say why";
    throw pluginError(plugin, `failed with exit status ${exitStatus}: ${why}`);
  }
  return readCredential(stdout, plugin, options.clock.now());
}

/** Runs a plug-in to its end. @throws KubeError if it cannot be run, or does not end in time */
async function runInTime(
  plugin: NamedPlugin,
  { command, cluster, environment, clock, run }: ExecPluginOptions,
): Promise<PluginResult> {
  const { exec } = plugin;
  const done = new AbortController();
  const late = clock.sleep(PLUGIN_TIMEOUT_MS, done.signal).then(() => {
    throw pluginError(plugin, `did not end within ${PLUGIN_TIMEOUT_MS / 1000} s`);
  });
  late.catch(() => {}); // It also fails when the plug-in has ended, and then no one waits for it.
  try {
    const running = run({
      command,
      args: exec.args ?? [],
      environment: pluginEnvironment(exec, environment, cluster),
      stdoutLimitBytes: STDOUT_LIMIT_BYTES,
      stderrLimitBytes: STDERR_LIMIT_BYTES,
      signal: done.signal,
    });
    return await Promise.race([running, late]); // A plug-in that cannot be killed must not hold us up.
  } catch (error) {
    if (error instanceof KubeError) throw error;
    if (error instanceof Deno.errors.NotFound) throw pluginError(plugin, "does not exist", error);
    throw pluginError(plugin, `cannot be run: ${error instanceof Error ? error.message : String(error)}`, error);
  } finally {
    done.abort(NOT_NEEDED);
  }
}

/** Our environment, what the kubeconfig adds to it, and what the protocol tells the plug-in. */
function pluginEnvironment(
  { apiVersion, env, provideClusterInfo }: Exec,
  environment: Record<string, string | undefined>,
  cluster: Record<string, unknown>,
): Record<string, string> {
  const info = {
    apiVersion: apiVersion ?? "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    spec: { interactive: false, ...(provideClusterInfo ? { cluster } : {}) },
  };
  const added = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
  return { ...defined(environment), ...added, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
}

/** @param now wall-clock time in milliseconds */
function readCredential(text: string, plugin: NamedPlugin, now: number): ExecCredential {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw pluginError(plugin, "did not print JSON");
  }
  const parsed = v.safeParse(CredentialSchema, value);
  if (!parsed.success) {
    const field = v.getDotPath(parsed.issues[0]) ?? "status";
    throw pluginError(plugin, `printed no credential: '${field}' is not right`);
  }
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = parsed.output.status;
  if (!token && !clientCertificateData) throw pluginError(plugin, "printed neither a token nor a certificate");
  const credential: ExecCredential = {};
  if (token) credential.token = token;
  if (clientCertificateData) credential.cert = clientCertificateData;
  if (clientKeyData) credential.key = clientKeyData;
  if (expirationTimestamp) {
    const expires = Date.parse(expirationTimestamp);
    if (Number.isNaN(expires)) throw pluginError(plugin, "printed an expirationTimestamp that is not a time");
    credential.expiresMs = Math.max(expires - RENEW_BEFORE_MS, now + (expires - now) * 0.9);
  }
  return credential;
}

/** @param what what the plug-in did wrong, as the predicate of a sentence */
function pluginError({ exec, source }: NamedPlugin, what: string, cause?: unknown): KubeError {
  return new KubeError("unauthorised", `The credential plug-in '${exec.command}' of ${source} ${what}`, {
    cause,
    ...(exec.installHint ? { hint: exec.installHint.trim().split("\n").join(" ") } : {}),
  });
}

/** The last line that is not blank, shortened, without anything that looks like a token. */
function lastLine(text: string): string {
  const line = text.trim().split("\n").at(-1)?.trim() ?? "";
  return line.replace(/[A-Za-z0-9_\-+/=.]{40,}/g, "…").slice(0, 300);
}

function defined(environment: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
