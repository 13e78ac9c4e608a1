import { AwsV4Signer } from "aws4fetch";
import type { Clock } from "../clock.ts";
import { describeError, HostFactoryError } from "../errors.ts";
import { Backoff } from "../kube/backoff.ts";
import { xmlField } from "./xml_field.ts";
import { logger } from "../log.ts";
import type { Random } from "../random.ts";
import type { Transport } from "../kube/transport/transport.ts";
import type { Credentials } from "./credentials.ts";

/** Where an object is put. */
export interface ObjectPlace {
  bucket: string;
  key: string;
  region: string;
  /** A server other than AWS, whose buckets are part of the path. */
  endpoint?: string | undefined;
}

/** How often to try again, and how long to wait before that, in milliseconds. */
const MOST_RETRIES = 4;
const RETRY = { firstMs: 500, longestMs: 8_000 };

/** Statuses after which another attempt may succeed. */
const MAY_PASS: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

const log = logger("utils");

/** What an upload needs. */
interface PutContext {
  transport: Pick<Transport, "fetch">;
  clock: Clock;
  random: Random;
  signal: AbortSignal;
}

/**
 * Puts an object into a bucket of S3.
 * @throws HostFactoryError with the server's own words if it refuses that, or it fails too often
 */
export async function putObject(
  { transport, clock, random, signal }: PutContext,
  place: ObjectPlace,
  { body, credentials }: { body: Uint8Array<ArrayBuffer>; credentials: Credentials },
): Promise<void> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  const signing = {
    method: "PUT",
    url: urlOf(place),
    headers: { "content-type": "application/gzip", "x-amz-content-sha256": digest.toHex() },
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    service: "s3",
    region: place.region,
  };
  const backoff = new Backoff(random, RETRY);
  for (;;) {
    // Each attempt needs a new signature, because one is valid only for minutes.
    const { url, headers } = await new AwsV4Signer({ ...signing, datetime: timeOf(clock.now()) }).sign();
    const failure = await attempt(transport, url.href, { method: "PUT", headers, body, signal });
    if (!failure) return;
    const isLast = !failure.mayPass || backoff.failures >= MOST_RETRIES;
    if (isLast) throw new HostFactoryError(`Cannot upload to bucket '${place.bucket}': ${failure.why}`, failure);
    const retryMs = Math.round(backoff.next());
    log.warn("The upload is tried again", { error: failure.why, retryMs });
    await clock.sleep(retryMs, signal);
  }
}

/** `20261121T161300Z`. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "");
}

interface Failure {
  why: string;
  mayPass: boolean;
  hint: string;
}

async function attempt(
  transport: Pick<Transport, "fetch">,
  url: string,
  init: RequestInit & { signal: AbortSignal },
): Promise<Failure | undefined> {
  let answer: Response, text: string;
  try {
    answer = await transport.fetch(url, init);
    text = await answer.text();
  } catch (error) {
    if (init.signal.aborted) throw error;
    return { why: describeError(error), mayPass: true, hint: "see that this host reaches it" };
  }
  if (answer.ok) return undefined;
  const words = [xmlField(text, "Code"), xmlField(text, "Message")].filter(Boolean).join(": ");
  return {
    why: `the answer was ${answer.status}${words && `, ${words}`}`,
    mayPass: MAY_PASS.has(answer.status),
    hint: answer.status === 403
      ? "see that the credentials are right, and may put objects there"
      : "see that the bucket exists in this region",
  };
}

function urlOf({ bucket, key, region, endpoint }: ObjectPlace): string {
  const path = key.split("/").map(encodeURIComponent).join("/");
  if (endpoint !== undefined) return `${endpoint.replace(/\/$/, "")}/${bucket}/${path}`;
  return `https://${bucket}.s3.${region}.amazonaws.com/${path}`;
}
