const encoder = new TextEncoder();

/** The same for the same document: a call that is made again has the key of the one before. 32 hexadecimal digits. */
export async function idempotencyKey(body: string): Promise<string> {
  return hex(await crypto.subtle.digest("SHA-256", encoder.encode(body))).slice(0, 32);
}

/** What `hostfactory-signature` says: `t=SECONDS,v1=HEX`, HMAC-SHA256 of `SECONDS.BODY` (source: `docs/extensions.md`, "Calls"). */
export async function sign(body: string, { key, seconds }: { key: string; seconds: number }): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const secret = await crypto.subtle.importKey("raw", encoder.encode(key), algorithm, false, ["sign"]);
  return `t=${seconds},v1=${hex(await crypto.subtle.sign("HMAC", secret, encoder.encode(`${seconds}.${body}`)))}`;
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
