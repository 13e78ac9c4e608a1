import * as v from "valibot";
import { type Clock, NOT_NEEDED } from "../../clock.ts";
import { KubeError } from "../errors.ts";
import type { Exec } from "./kubeconfig.ts";
import type { PluginResult, RunPlugin } from "./plugin_process.ts";

/** What a credential plug-in gave. Secret. */
export interface ExecCredential {
  token?: string;
  cert?: string;
  key?: string;
  /** Wall-clock time in milliseconds from which on it is to be asked again; without it, when the server says no. */
  expiresMs?: number;
}

/** How long a plug-in may take, in milliseconds. */
const PLUGIN_TIMEOUT_MS = 60_000;

/** A credential is a few KB; a plug-in that prints more than this to standard output is killed. */
const STDOUT_LIMIT_BYTES = 1024 * 1024;

/** How much of standard error is kept: what a plug-in says last is why it failed. */
const STDERR_LIMIT_BYTES = 64 * 1024;

/** A credential is renewed this long before it expires, in milliseconds, or at nine tenths of its life if that is later. */
const RENEW_BEFORE_MS = 60_000;

const CredentialSchema = v.object({
  status: v.object({
    token: v.nullish(v.string()),
    clientCertificateData: v.nullish(v.string()),
    clientKeyData: v.nullish(v.string()),
    expirationTimestamp: v.nullish(v.string()),
  }),
});

/**
 * Asks a credential plug-in (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins).
 * @throws KubeError `unauthorised`, with the last line that the plug-in wrote to standard error
 */
export async function runExecPlugin(
  exec: Exec,
  { command, source, cluster, environment, clock, run }: {
    /** `exec.command`, made absolute if it is a path. */
    command: string;
    /** In words: `user 'x' of '/home/x/.kube/config'`. */
    source: string;
    /** Told to the plug-in if it asks for it. */
    cluster: Record<string, unknown>;
    environment: Record<string, string | undefined>;
    clock: Clock;
    run: RunPlugin;
  },
): Promise<ExecCredential> {
  const fail = (why: string, cause?: unknown) =>
    new KubeError("unauthorised", `The credential plug-in '${exec.command}' of ${source} ${why}`, {
      cause,
      ...(exec.installHint ? { hint: exec.installHint.trim().split("\n").join(" ") } : {}),
    });
  if (exec.interactiveMode === "Always") throw fail("wants to ask a person, and there is none");
  const info = {
    apiVersion: exec.apiVersion ?? "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    spec: { interactive: false, ...(exec.provideClusterInfo ? { cluster } : {}) },
  };
  const given = Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value]));
  const done = new AbortController();
  const late = clock.sleep(PLUGIN_TIMEOUT_MS, done.signal).then(() => {
    throw fail(`did not end within ${PLUGIN_TIMEOUT_MS / 1000} s`);
  });
  late.catch(() => {}); // Also if it was stopped because the plug-in has ended.
  let result: PluginResult;
  try {
    const running = run({
      command,
      args: exec.args ?? [],
      environment: { ...defined(environment), ...given, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
      stdoutLimitBytes: STDOUT_LIMIT_BYTES,
      stderrLimitBytes: STDERR_LIMIT_BYTES,
      signal: done.signal,
    });
    result = await Promise.race([running, late]); // Even one that cannot be killed must not hold us up.
  } catch (error) {
    if (error instanceof KubeError) throw error;
    if (error instanceof Deno.errors.NotFound) throw fail("does not exist", error);
    throw fail(`cannot be run: ${error instanceof Error ? error.message : String(error)}`, error);
  } finally {
    done.abort(NOT_NEEDED);
  }
  if (result.isOverLimit) throw fail(`printed more than ${STDOUT_LIMIT_BYTES / 1024 / 1024} MiB`);
  if (result.exitStatus !== 0) {
    throw fail(`failed with exit status ${result.exitStatus}: ${lastLine(result.stderr) || "it does not say why"}`);
  }
  return readCredential(result.stdout, { now: clock.now(), fail });
}

function readCredential(
  text: string,
  { now, fail }: { now: number; fail: (why: string) => KubeError },
): ExecCredential {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fail("did not print JSON");
  }
  const parsed = v.safeParse(CredentialSchema, value);
  if (!parsed.success) {
    throw fail(`printed no credential: '${v.getDotPath(parsed.issues[0]) ?? "status"}' is not right`);
  }
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = parsed.output.status;
  if (!token && !clientCertificateData) throw fail("printed neither a token nor a certificate");
  const credential: ExecCredential = {};
  if (token) credential.token = token;
  if (clientCertificateData) credential.cert = clientCertificateData;
  if (clientKeyData) credential.key = clientKeyData;
  if (expirationTimestamp) {
    const expires = Date.parse(expirationTimestamp);
    if (Number.isNaN(expires)) throw fail("printed an expirationTimestamp that is not a time");
    credential.expiresMs = Math.max(expires - RENEW_BEFORE_MS, now + (expires - now) * 0.9);
  }
  return credential;
}

/** The last line that says something, shortened, without anything that looks like a token. */
function lastLine(text: string): string {
  const line = text.trim().split("\n").at(-1)?.trim() ?? "";
  return line.replace(/[A-Za-z0-9_\-+/=.]{40,}/g, "…").slice(0, 300);
}

function defined(environment: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
