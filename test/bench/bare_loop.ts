/**
 * What the machine and the API server give at best: POSTs the same pods at the same concurrency with native fetch, follows
 * one watch, then DELETEs them. Run as a program of its own, so that it shares nothing with what it is compared to.
 * Arguments: kubeconfig, pods, concurrency. Prints one JSON object: milliseconds that passed, and that the CPU worked.
 */
import { parse } from "yaml";
import { MANIFEST } from "./fixture.ts";
import { runPhases } from "./loop_phases.ts";

const [kubeconfig = "", count = "1000", concurrency = "32"] = Deno.args;
const { base, client, headers } = connect(kubeconfig);
const label = `bare-${crypto.randomUUID().slice(0, 8)}`;
const running = new Set<string>();
const gone = new Set<string>();
void watch();

await runPhases({
  create: (i) => call("POST", "", { ...MANIFEST, metadata: { name: `${label}-${i}`, labels: { bare: label } } }),
  remove: (i) => call("DELETE", `/${label}-${i}`),
  running,
  gone,
}, { count: Number(count), concurrency: Number(concurrency) });
Deno.exit(0); // The watch never ends by itself.

function connect(path: string) {
  // deno-lint-ignore no-explicit-any
  const config = parse(Deno.readTextFileSync(path)) as any;
  const { server, "certificate-authority": ca } = config.clusters[0].cluster;
  const { "client-certificate": cert, "client-key": key, token } = config.users[0].user;
  const namespace = config.contexts[0].context.namespace ?? "default";
  const read = (file: string) => Deno.readTextFileSync(file);
  const client = Deno.createHttpClient({
    http2: false,
    ...(ca ? { caCerts: [read(ca)] } : {}),
    ...(cert ? { cert: read(cert), key: read(key) } : {}),
  });
  const headers = { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
  return { base: `${server}/api/v1/namespaces/${namespace}/pods`, client, headers };
}

async function call(method: string, path: string, body?: unknown): Promise<void> {
  const init = { method, headers, client, ...(body ? { body: JSON.stringify(body) } : {}) };
  const response = await fetch(`${base}${path}`, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
}

/** Where to take the watch up: after a list, because the server forgets what it has said when it is busy. */
async function list(): Promise<string> {
  const response = await fetch(`${base}?labelSelector=bare%3D${label}`, { headers, client });
  const { metadata, items } = await response.json();
  const names = new Set<string>();
  for (const { metadata, status } of items) {
    names.add(metadata.name);
    if (status?.phase === "Running") running.add(metadata.name);
  }
  for (const name of running) if (!names.has(name)) gone.add(name);
  return metadata.resourceVersion;
}

async function watch(): Promise<void> {
  let resourceVersion: string | undefined;
  while (true) {
    try {
      resourceVersion ??= await list();
      const query = `?watch=1&labelSelector=bare%3D${label}&resourceVersion=${resourceVersion}`;
      const response = await fetch(`${base}${query}`, { headers, client });
      let rest = "";
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          const { type, object } = JSON.parse(line);
          resourceVersion = type === "ERROR" || !type ? undefined : object.metadata.resourceVersion;
          if (type === "DELETED") gone.add(object.metadata.name);
          else if (object.status?.phase === "Running") running.add(object.metadata.name);
        }
      }
    } catch (error) {
      console.error(`watch: ${error}`);
    }
  }
}
