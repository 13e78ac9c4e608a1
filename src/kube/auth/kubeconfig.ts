import * as v from "valibot";
import { KubeError } from "../errors.ts";

const Text = v.nullish(v.string());

const ClusterSchema = v.object({
  server: Text,
  "certificate-authority": Text,
  "certificate-authority-data": Text,
  "insecure-skip-tls-verify": v.nullish(v.boolean()),
  "tls-server-name": Text,
  "proxy-url": Text,
});

const ExecSchema = v.object({
  apiVersion: Text,
  command: v.pipe(v.string(), v.nonEmpty()),
  args: v.nullish(v.array(v.string())),
  env: v.nullish(v.array(v.object({ name: v.string(), value: v.string() }))),
  installHint: Text,
  interactiveMode: Text,
  provideClusterInfo: v.nullish(v.boolean()),
});

const UserSchema = v.object({
  "client-certificate": Text,
  "client-certificate-data": Text,
  "client-key": Text,
  "client-key-data": Text,
  token: Text,
  tokenFile: Text,
  username: Text,
  password: Text,
  as: Text,
  "as-uid": Text,
  "as-groups": v.nullish(v.array(v.string())),
  exec: v.nullish(ExecSchema),
  "auth-provider": v.nullish(v.object({ name: Text })),
});

const ContextSchema = v.object({ cluster: Text, user: Text, namespace: Text });

const FileSchema = v.object({
  "current-context": Text,
  clusters: v.nullish(v.array(v.object({ name: v.string(), cluster: v.nullish(ClusterSchema) }))),
  users: v.nullish(v.array(v.object({ name: v.string(), user: v.nullish(UserSchema) }))),
  contexts: v.nullish(v.array(v.object({ name: v.string(), context: v.nullish(ContextSchema) }))),
});

export type Cluster = v.InferOutput<typeof ClusterSchema>;
export type User = v.InferOutput<typeof UserSchema>;
export type Exec = v.InferOutput<typeof ExecSchema>;
export type Context = v.InferOutput<typeof ContextSchema>;

/** An entry and the file that contains it; relative paths in it are relative to that file's directory. */
export interface Entry<T> {
  value: T;
  file: string;
}

/** Several kubeconfig files merged: if two files define the same name, the earlier one wins. */
export interface Kubeconfig {
  currentContext: Entry<string> | undefined;
  clusters: Map<string, Entry<Cluster>>;
  users: Map<string, Entry<User>>;
  contexts: Map<string, Entry<Context>>;
}

/**
 * Reads kubeconfig files (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/).
 *
 * This is our own reader, because importing `KubeConfig` of `@kubernetes/client-node` 1.4.0 costs 200 ms and 57 MB (it
 * pulls in the generated API), and because that reads environment, files and time itself, with no way to pass them in.
 * @throws KubeError `unauthorised`; the message names the file and the field and never quotes the file's content
 */
export async function parseKubeconfigs(files: { path: string; text: string }[]): Promise<Kubeconfig> {
  const merged: Kubeconfig = { currentContext: undefined, clusters: new Map(), users: new Map(), contexts: new Map() };
  for (const { path, text } of files) {
    const parsed = await parseFile(path, text);
    const add = <T>(into: Map<string, Entry<T>>, name: string, value: T | null | undefined) => {
      if (value && !into.has(name)) into.set(name, { value, file: path });
    };
    for (const { name, cluster } of parsed.clusters ?? []) add(merged.clusters, name, cluster);
    for (const { name, user } of parsed.users ?? []) add(merged.users, name, user ?? {});
    for (const { name, context } of parsed.contexts ?? []) add(merged.contexts, name, context);
    const current = parsed["current-context"];
    if (current) merged.currentContext ??= { value: current, file: path };
  }
  return merged;
}

async function parseFile(path: string, text: string): Promise<v.InferOutput<typeof FileSchema>> {
  const { LineCounter, parseDocument } = await import("yaml");
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: "silent" });
  const [mistake] = document.errors;
  if (mistake) {
    const { line } = lineCounter.linePos(mistake.pos[0]);
    throw new KubeError("unauthorised", `Cannot read kubeconfig '${path}': line ${line} is not YAML (${mistake.code})`);
  }
  let value: unknown;
  try {
    value = document.toJS();
  } catch {
    throw new KubeError("unauthorised", `Cannot read kubeconfig '${path}': its aliases cannot be resolved`);
  }
  if (value === null || value === undefined) throw new KubeError("unauthorised", `Kubeconfig '${path}' is empty`);
  const result = v.safeParse(FileSchema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const field = v.getDotPath(issue);
  // Not the issue's own message, which quotes the value received: it may be a secret.
  throw new KubeError(
    "unauthorised",
    `Cannot read kubeconfig '${path}': ${field ? `'${field}'` : "it"} is not ${issue.expected ?? "as it must be"}`,
  );
}
