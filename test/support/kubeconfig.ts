import { dirname, resolve } from "node:path";
import { parse } from "yaml";

/** As much of a kubeconfig as tests use: where the cluster is, who we are there, and how to say the same to the product. */
export interface Login {
  server: string;
  client: Deno.HttpClient;
  headers: Record<string, string>;
  /** The same login as a kubeconfig, its files inlined, for a namespace; with a token, the login of whoever has that. */
  kubeconfig(namespace: string, options?: { server?: string; token?: string | undefined }): string;
}

type Entry = Record<string, string | undefined>;

/** Reads a kubeconfig with a client certificate or a token, such as test clusters have. */
export function readLogin(path: string): Login {
  const config = parse(Deno.readTextFileSync(path));
  const context = named(config.contexts, config["current-context"]).context as Entry;
  const cluster = named(config.clusters, context.cluster ?? "").cluster as Entry;
  const user = (named(config.users, context.user ?? "").user ?? {}) as Entry;
  const data = (entry: Entry, key: string) => {
    const file = entry[key];
    return entry[`${key}-data`] ??
      (file === undefined ? undefined : btoa(Deno.readTextFileSync(resolve(dirname(path), file))));
  };
  const [ca, cert, key] = [
    data(cluster, "certificate-authority"),
    data(user, "client-certificate"),
    data(user, "client-key"),
  ];
  const server = cluster.server ?? "";
  return {
    server,
    client: Deno.createHttpClient({
      http2: false,
      ...(ca ? { caCerts: [atob(ca)] } : {}),
      ...(cert && key ? { cert: atob(cert), key: atob(key) } : {}),
    }),
    headers: user.token ? { authorization: `Bearer ${user.token}` } : {},
    kubeconfig: (namespace, options = {}) =>
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        clusters: [{
          name: "test",
          cluster: {
            server: options.server ?? server,
            ...(ca ? { "certificate-authority-data": ca } : {}),
            ...(cluster["insecure-skip-tls-verify"] ? { "insecure-skip-tls-verify": true } : {}),
          },
        }],
        users: [{
          name: "test",
          user: options.token !== undefined ? { token: options.token } : {
            ...(cert ? { "client-certificate-data": cert } : {}),
            ...(key ? { "client-key-data": key } : {}),
            ...(user.token ? { token: user.token } : {}),
          },
        }],
        contexts: [{ name: "test", context: { cluster: "test", user: "test", namespace } }],
        "current-context": "test",
      }),
  };
}

function named(list: { name: string }[], name: string): Record<string, unknown> {
  const found = list.find((one) => one.name === name);
  if (!found) throw new Error(`the kubeconfig names no '${name}'`);
  return found as unknown as Record<string, unknown>;
}
