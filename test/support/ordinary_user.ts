import { succeeds } from "./shell.ts";

/** An ordinary user, and one more. */
export const NOBODY = 65534;
export const SOMEBODY = 65533;

/** What to put before a command to run it as such a user. */
export function asUser(uid: number): string[] {
  return ["setpriv", "--reuid", `${uid}`, "--regid", `${uid}`, "--clear-groups"];
}

const asNobody = asUser(NOBODY).join(" ");

/** Why nothing can be run as a user who may do little, if that is so. */
export const noOrdinaryUser: string | undefined = !succeeds(`test "$(id -u)" = 0 && ${asNobody} true`)
  ? "root, and setpriv"
  : succeeds(`${asNobody} "$HF_BINARY" --version && ${asNobody} test -x "\${TMPDIR:-/tmp}"`)
  ? undefined
  : "way for others to the executable and to temporary files";

/** Where no one but root can put anything, nor anything on the way there, unlike below /tmp. */
export const SAFE_PLACE = "/run";

/** Why nothing can be put there, if that is so. */
export const noSafePlace: string | undefined =
  succeeds(`test -w ${SAFE_PLACE} && test "$(stat -c '%u %a' ${SAFE_PLACE})" = "0 755"`)
    ? undefined
    : `${SAFE_PLACE} that is root's alone`;
