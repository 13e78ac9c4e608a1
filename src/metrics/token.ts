/** Tells whether a request has the right token. */
export type TokenCheck = (request: Request) => Promise<boolean>;

/** A check of `Authorization: Bearer TOKEN`. @param token read for each request, so that it can be replaced */
export function tokenCheck(token: () => string): TokenCheck {
  return async ({ headers }) => {
    const [, given] = /^bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "") ?? [];
    return given !== undefined && await isSame(given, token());
  };
}

/** Compares digests, which have one length, in constant time, so that timing gives nothing away. */
async function isSame(given: string, wanted: string): Promise<boolean> {
  const [one, other] = await Promise.all([given, wanted].map(digest));
  let difference = 0;
  for (const [i, byte] of one!.entries()) difference |= byte ^ (other?.[i] ?? 0);
  return difference === 0 && wanted !== "";
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
