/** Whether a request brings the right token. */
export type TokenCheck = (request: Request) => Promise<boolean>;

/** @param token what a request has to bring as `Authorization: Bearer` */
export function tokenCheck(token: () => string): TokenCheck {
  return async ({ headers }) => {
    const [, given] = /^bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "") ?? [];
    return given !== undefined && await isSame(given, token());
  };
}

/** Digests are of one length, and of what was given nothing can be learnt from how long it takes to compare them. */
async function isSame(given: string, wanted: string): Promise<boolean> {
  const [one, other] = await Promise.all([given, wanted].map(digest));
  let difference = 0;
  for (const [i, byte] of one!.entries()) difference |= byte ^ (other?.[i] ?? 0);
  return difference === 0 && wanted !== "";
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
