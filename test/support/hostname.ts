import { succeeds } from "./shell.ts";

/** What to put before a command to run it as on a host of that name. */
export function onHost(hostname: string): string[] {
  return ["unshare", "--uts", "sh", "-c", `hostname ${hostname} && exec "$0" "$@"`];
}

/** Why no host of another name can be played, if that is so. */
export const noOtherHost: string | undefined = succeeds("unshare --uts sh -c 'hostname other'")
  ? undefined
  : "right to play another host";
