import { succeeds } from "./shell.ts";

/** An ordinary user, and one more. */
export const NOBODY = 65534;
export const SOMEBODY = 65533;

/** What to put before a command to run it as such a user. */
export function asUser(uid: number): string[] {
  return ["setpriv", "--reuid", `${uid}`, "--regid", `${uid}`, "--clear-groups"];
}

const asNobody = asUser(NOBODY).join(" ");

/** Why nothing can be run as a user who may do little, where that is so. */
export const noOrdinaryUser: string | undefined = !succeeds(`test "$(id -u)" = 0 && ${asNobody} true`)
  ? "root, and setpriv"
  : succeeds(`${asNobody} "$HF_BINARY" --version && ${asNobody} test -x "\${TMPDIR:-/tmp}"`)
  ? undefined
  : "way for others to the executable and to temporary files";
