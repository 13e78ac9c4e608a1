/**
 * The part that every example shares: a server that answers hooks of hostfactory, as `docs/extensions.md` describes them.
 *
 * Environment: `PORT` (default: see each), `HOST` (default 127.0.0.1; 0.0.0.0 in a container), `HMAC_KEY_FILE` (then calls without a good signature are
 * refused).
 */
import { createHmac, timingSafeEqual } from "node:crypto";

/** As much of a pod as the examples touch. */
export interface Pod {
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: {
    containers: Container[];
    initContainers?: Container[];
    volumes?: { name: string; [key: string]: unknown }[];
    [key: string]: unknown;
  };
  [key: string]: unknown;
}

export interface Container {
  name: string;
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  volumeMounts?: { name: string; mountPath: string }[];
  [key: string]: unknown;
}

/** What a `pre-create` hook is told of one machine. */
export interface Draft {
  instance: string;
  /** Of the pod; null if it is not known yet. */
  namespace: string | null;
  request: { id: string; templateId?: string; count: number; requestedAt?: number };
  machine: { name: string; index: number };
  /** What the template says to this extension. */
  configuration: Record<string, unknown>;
  pod: Pod;
}

export interface Finding {
  severity: "error" | "warning" | "info";
  path: string;
  message: string;
  rule: string;
}

/** Thrown by a hook that does not want the pod to be created: the whole request fails with these words. */
export class Refused extends Error {}

export interface Hooks {
  /** Changes `draft.pod` in place, or leaves it as it is. */
  preCreate(draft: Draft): void;
  lint?(
    document: { template: Record<string, unknown>; manifest: Pod; configuration: Record<string, unknown> },
  ): Finding[];
}

/** Seconds that a signature may be away from our clock. */
const SIGNATURE_SECONDS = 300;

/** Answers one call of hostfactory. */
export async function answer(request: Request, hooks: Hooks, hmacKey?: string): Promise<Response> {
  if (request.method !== "POST") return new Response("POST the document of a hook\n", { status: 405 });
  const body = await request.text();
  if (hmacKey !== undefined && !isSigned(body, request.headers.get("hostfactory-signature") ?? "", hmacKey)) {
    return new Response("The signature is missing or wrong\n", { status: 401 });
  }
  const document = JSON.parse(body);
  const configuration = document.configuration ?? {};
  if (document.hook === "lint") return Response.json({ findings: hooks.lint?.({ ...document, configuration }) ?? [] });
  if (document.hook !== "pre-create") return new Response(null, { status: 204 });
  const judge = (one: Pick<Draft, "machine" | "pod">) => judged({ ...document, ...one, configuration }, hooks);
  if (!document.machines) {
    const { status, pod, message } = judge(document);
    return status === 200 ? Response.json(pod) : new Response(status === 304 ? null : message ?? "", { status });
  }
  // deno-lint-ignore no-explicit-any -- the caller is hostfactory
  return Response.json({ answers: document.machines.map(({ pod, ...machine }: any) => judge({ machine, pod })) });
}

/** Serves the hooks until the process is ended. */
export function serveHooks(hooks: Hooks, { port }: { port: number }): void {
  const env = (name: string) => Deno.env.get(name);
  const keyFile = env("HMAC_KEY_FILE");
  const hmacKey = keyFile === undefined ? undefined : Deno.readTextFileSync(keyFile).trim();
  const options = { hostname: env("HOST") ?? "127.0.0.1", port: Number(env("PORT") ?? port) };
  Deno.serve(options, (request) => answer(request, hooks, hmacKey));
}

function judged(draft: Draft, hooks: Hooks): { status: number; pod?: Pod; message?: string } {
  const before = JSON.stringify(draft.pod);
  try {
    hooks.preCreate(draft);
  } catch (error) {
    if (error instanceof Refused) return { status: 403, message: error.message };
    throw error;
  }
  return JSON.stringify(draft.pod) === before ? { status: 304 } : { status: 200, pod: draft.pod };
}

function isSigned(body: string, signature: string, key: string): boolean {
  const [, seconds = "", given = ""] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
  const expected = createHmac("sha256", key).update(`${seconds}.${body}`).digest();
  const isFresh = Math.abs(Date.now() / 1000 - Number(seconds)) <= SIGNATURE_SECONDS;
  return isFresh && given !== "" &&
    timingSafeEqual(expected, new Uint8Array(given.match(/../g)!.map((hex) => parseInt(hex, 16))));
}
