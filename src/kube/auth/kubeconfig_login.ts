import type { CredentialFiles } from "./credential_files.ts";
import { KubeError } from "../errors.ts";
import type { ExecCredential } from "./exec_plugin.ts";
import type { Cluster, Entry, Exec, Kubeconfig, User } from "./kubeconfig.ts";
import type { Login } from "../transport/login.ts";
import type { TransportOptions } from "../transport/transport.ts";

/** Returns the credential of a plug-in: a new one, or the last one if that can still be used. */
export type AskPlugin = (
  exec: Exec,
  options: { command: string; source: string; cluster: Record<string, unknown> },
) => Promise<ExecCredential>;

/**
 * The login that the current context of a kubeconfig describes. `listed` names the files, for messages.
 * @throws KubeError `unauthorised`, with one sentence that names the file
 */
export async function kubeconfigLogin(
  kubeconfig: Kubeconfig,
  { listed, files, askPlugin }: { listed: string; files: CredentialFiles; askPlugin: AskPlugin },
): Promise<Login> {
  const current = kubeconfig.currentContext;
  if (!current) throw unusable(`Kubeconfig ${listed} has no current-context`);
  const context = kubeconfig.contexts.get(current.value);
  if (!context) {
    throw unusable(`Kubeconfig '${current.file}' names the context '${current.value}', which does not exist`);
  }
  const where = `Context '${current.value}' of kubeconfig '${context.file}'`;
  const cluster = kubeconfig.clusters.get(context.value.cluster ?? "");
  if (!cluster) throw unusable(`${where} names the cluster '${context.value.cluster ?? ""}', which does not exist`);
  const userName = context.value.user;
  const user = userName ? kubeconfig.users.get(userName) : { value: {}, file: context.file };
  if (!user) throw unusable(`${where} names the user '${userName}', which does not exist`);

  const source = userName ? `user '${userName}' of '${user.file}'` : `kubeconfig '${user.file}', which names no user`;
  const server = readServer(cluster, context.value.cluster ?? "");
  const ca = readMaterial(cluster, files, {
    kind: "certificate-authority",
    owner: `cluster '${context.value.cluster}' of '${cluster.file}'`,
  });
  const transport: TransportOptions = { origin: {} };
  const origin: NonNullable<TransportOptions["origin"]> = transport.origin ?? {};
  if (ca) [transport.ca, origin.ca] = [ca.text, ca.origin];
  // Plain HTTP has no certificate whose check could be skipped.
  if (cluster.value["insecure-skip-tls-verify"] && !/^http:/i.test(server)) transport.insecure = true;
  if (cluster.value["tls-server-name"]) transport.serverName = cluster.value["tls-server-name"];
  if (cluster.value["proxy-url"]) transport.proxy = cluster.value["proxy-url"];
  const headers = await applyUser(user, { source, transport, origin, files, server, cluster, askPlugin });
  return { server, namespace: context.value.namespace || "default", headers, transport, source };
}

function unusable(message: string): KubeError {
  return new KubeError("unauthorised", message);
}

function readServer(cluster: Entry<Cluster>, name: string): string {
  const what = `The server of cluster '${name}' in kubeconfig '${cluster.file}'`;
  const text = cluster.value.server;
  if (!text) throw unusable(`${what} is not given`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw unusable(`${what} is not a URL: '${text}'`);
  }
  if (!["http:", "https:"].includes(url.protocol)) throw unusable(`${what} is not an http or https URL: '${text}'`);
  if (url.username || url.password) throw unusable(`${what} holds a user or password, which belongs in 'users'`);
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

/** What a user's credentials are taken over into, and what is needed for that. */
interface LoginParts {
  /** The user in words, for messages. */
  source: string;
  transport: TransportOptions;
  origin: NonNullable<TransportOptions["origin"]>;
  files: CredentialFiles;
  server: string;
  cluster: Entry<Cluster>;
  askPlugin: AskPlugin;
}

/** Takes the user's credentials over into `transport`, and returns the headers that every request needs. */
async function applyUser(user: Entry<User>, parts: LoginParts): Promise<[string, string][]> {
  applyCertificate(user, parts);
  const authorization = await authorizationOf(user, parts);
  // `fetch` cannot send anything else in a header, and the message of its error would quote the secret.
  if (authorization !== undefined && !/^[\x21-\x7e]+ [\x21-\x7e]+$/.test(authorization)) {
    throw unusable(`The token of ${parts.source} holds blanks or other characters that no token has`);
  }
  return [
    ...authorization === undefined ? [] : [["authorization", authorization] as [string, string]],
    ...impersonationHeaders(user.value),
  ];
}

/** Takes the user's own client certificate over, if it has one. */
function applyCertificate(user: Entry<User>, { source, transport, origin, files }: LoginParts): void {
  const cert = readMaterial(user, files, { kind: "client-certificate", owner: source });
  const key = readMaterial(user, files, { kind: "client-key", owner: source });
  if (cert) transport.cert = cert.text;
  if (key) transport.key = key.text;
  if (cert || key) origin.clientCertificate = [cert?.origin, key?.origin].filter(Boolean).join(" and ");
}

/**
 * The value of the `authorization` header, if the user has one. In kubectl's order: a token file wins over a token,
 * either wins over name and password, and all of them, as well as a client certificate, over a plug-in.
 */
async function authorizationOf(user: Entry<User>, parts: LoginParts): Promise<string | undefined> {
  const { value: { tokenFile, token, username, password, exec, "auth-provider": authProvider }, file } = user;
  const { source, files, transport } = parts;
  const bearer = tokenFile ? files.read(absolute(tokenFile, file), `the token of ${source}`).trim() : token;
  if (bearer) return `Bearer ${bearer}`;
  if (username) return `Basic ${base64(`${username}:${password ?? ""}`)}`;
  if (transport.cert !== undefined) return undefined;
  if (exec) return await applyPlugin(exec, file, parts);
  if (!authProvider) return undefined;
  throw new KubeError("unauthorised", `The auth-provider of ${source} is of a kind that Kubernetes has removed`, {
    hint: "use a credential plug-in (exec), a token or a client certificate",
  });
}

/**
 * Takes over the certificate that a plug-in gives.
 * @returns the value of the `authorization` header, if it gives a token
 */
async function applyPlugin(
  exec: Exec,
  file: string,
  { source, transport, origin, server, cluster, askPlugin }: LoginParts,
): Promise<string | undefined> {
  const { token, cert, key } = await askPlugin(exec, {
    command: exec.command.includes("/") ? absolute(exec.command, file) : exec.command,
    source,
    cluster: describeCluster(server, cluster.value, transport.ca),
  });
  if (cert !== undefined) transport.cert = cert;
  if (key !== undefined) transport.key = key;
  origin.clientCertificate = `the credential plug-in '${exec.command}' of ${source}`;
  return token ? `Bearer ${token}` : undefined;
}

function impersonationHeaders(user: User): [string, string][] {
  return [
    ...user.as ? [["impersonate-user", user.as] as [string, string]] : [],
    ...user["as-uid"] ? [["impersonate-uid", user["as-uid"]] as [string, string]] : [],
    ...(user["as-groups"] ?? []).map((group): [string, string] => ["impersonate-group", group]),
  ];
}

/** PEM text, from the `…-data` field (base64) or from the file that the other field names. */
function readMaterial(
  { value, file }: Entry<Cluster | User>,
  files: CredentialFiles,
  { kind, owner }: { kind: "certificate-authority" | "client-certificate" | "client-key"; owner: string },
): { text: string; origin: string } | undefined {
  const fields = value as Record<string, unknown>;
  const data = fields[`${kind}-data`], path = fields[kind];
  if (typeof data === "string" && data !== "") {
    try {
      const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
      return { text: new TextDecoder().decode(bytes), origin: `the ${kind}-data of ${owner}` };
    } catch {
      throw unusable(`The ${kind}-data of ${owner} is not base64`);
    }
  }
  if (typeof path !== "string" || path === "") return undefined;
  const full = absolute(path, file);
  return { text: files.read(full, `the ${kind} of ${owner}`), origin: `'${full}'` };
}

function absolute(path: string, file: string): string {
  if (path.startsWith("/")) return path;
  const directory = file.includes("/") ? file.slice(0, file.lastIndexOf("/")) : ".";
  return `${directory}/${path}`;
}

/** Base64 of the UTF-8 bytes, which `btoa` alone does not do. */
function base64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
}

/** `spec.cluster` of the ExecCredential that a plug-in is given. */
function describeCluster(server: string, cluster: Cluster, ca: string | undefined): Record<string, unknown> {
  return {
    server,
    ...(cluster["tls-server-name"] ? { "tls-server-name": cluster["tls-server-name"] } : {}),
    ...(cluster["insecure-skip-tls-verify"] ? { "insecure-skip-tls-verify": true } : {}),
    ...(ca === undefined ? {} : { "certificate-authority-data": base64(ca) }),
    ...(cluster["proxy-url"] ? { "proxy-url": cluster["proxy-url"] } : {}),
  };
}
