import { createHash, createHmac } from "node:crypto";

/**
 * The idempotency key: 32 hexadecimal digits that depend only on the body, so that a repeated call has the same one.
 */
export function idempotencyKey(body: string): string {
  return createHash("sha256").update(body).digest("hex").slice(0, 32);
}

/**
 * The header `hostfactory-signature`: `t=SECONDS,v1=HEX`, HMAC-SHA256 of `SECONDS.BODY` (source: `docs/extensions.md`,
 * "Calls").
 */
export function sign(body: string, { key, seconds }: { key: string; seconds: number }): string {
  return `t=${seconds},v1=${createHmac("sha256", key).update(`${seconds}.${body}`).digest("hex")}`;
}
