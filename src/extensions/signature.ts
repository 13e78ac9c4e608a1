import { createHash, createHmac } from "node:crypto";

/** The same for the same document: a call that is made again has the key of the one before. 32 hexadecimal digits. */
export function idempotencyKey(body: string): string {
  return createHash("sha256").update(body).digest("hex").slice(0, 32);
}

/** What `hostfactory-signature` says: `t=SECONDS,v1=HEX`, HMAC-SHA256 of `SECONDS.BODY` (source: `docs/extensions.md`, "Calls"). */
export function sign(body: string, { key, seconds }: { key: string; seconds: number }): string {
  return `t=${seconds},v1=${createHmac("sha256", key).update(`${seconds}.${body}`).digest("hex")}`;
}
