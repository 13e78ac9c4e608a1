/**
 * Records the real API server's answers to `golden_exchanges.ts` in `golden/answers.json`. By hand, against a cluster that
 * no one else uses, in whose default namespace nothing is, and that has been up for ten minutes, so that it has forgotten its
 * first revisions; with `kubectl proxy` for the administrator and for a user without rights, and the server's own address:
 *
 *     deno run -A test/simulator/golden_record.ts http://127.0.0.1:8001 http://127.0.0.1:8002 https://127.0.0.1:6443 ca.crt
 */
import type { Exchange } from "./golden_exchange.ts";
import { play } from "./golden_exchanges.ts";

const [admin, alice, server, certificateAuthority] = Deno.args as [string, string, string, string];
const client = Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(certificateAuthority)] });

async function send(exchange: Exchange): Promise<Response> {
  const base = exchange.as === "alice" ? alice : exchange.as === "nobody" ? server : admin;
  const headers: Record<string, string> = { accept: exchange.accept ?? "application/json" };
  if (exchange.body !== undefined) headers["content-type"] = exchange.contentType ?? "application/json";
  if (exchange.as === "nobody") headers["authorization"] = "Bearer wrong";
  return await fetch(base + exchange.path, {
    client,
    method: exchange.method,
    headers,
    ...(exchange.body === undefined
      ? {}
      : { body: typeof exchange.body === "string" ? exchange.body : JSON.stringify(exchange.body) }),
  });
}

async function put(path: string, body: unknown): Promise<void> {
  const response = await fetch(admin + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok && response.status !== 409) throw new Error(await response.text());
  await response.body?.cancel();
}

const namespaces = "/api/v1/namespaces";
await put(namespaces, { metadata: { name: "going" } });
await put(namespaces, { metadata: { name: "tight" } });
await put(namespaces, { metadata: { name: "strict", labels: { "pod-security.kubernetes.io/enforce": "restricted" } } });
await put(`${namespaces}/tight/resourcequotas`, { metadata: { name: "q" }, spec: { hard: { pods: "0" } } });
await new Promise((resolve) => setTimeout(resolve, 3000)); // The quota controller counts first.
const answers = await play(send);
Deno.writeTextFileSync(new URL("golden/answers.json", import.meta.url), JSON.stringify(answers, null, 1) + "\n");
client.close();
