import type { Clock } from "../clock.ts";
import { HookClient } from "../extensions/hook_client.ts";
import { Registrations } from "../extensions/registrations.ts";
import { systemNetwork } from "../kube/transport/network.ts";
import { logger } from "../log.ts";
import type { Random } from "../random.ts";
import type { Dependencies } from "../watchers/dependencies.ts";
import type { Workdir } from "../workdir/store/workdir.ts";

const log = logger("extensions");

/** What the extensions of a process stand on. */
interface World {
  workdir: Workdir;
  clock: Clock;
  random: Random;
  /** The configuration directory; absent: none is registered by files. */
  confdir?: string | undefined;
}

/** The registrations of this process, whose changes are logged, and what calls the hooks. */
export function openExtensions(
  { workdir: { files }, clock, random, confdir }: World,
): Pick<Dependencies, "registrations" | "hooks"> {
  const registrations = new Registrations({
    files,
    confdir,
    report({ severity, name, message }) {
      if (severity === "error") log.error(message, { extension: name });
      else if (severity === "warning") log.warn(message, { extension: name });
      else log.info(message, { extension: name });
    },
  });
  const hooks = new HookClient({ files, clock, random, network: systemNetwork }, {
    ended: (name, end) => registrations.called(name, end),
    tripped(extension, reason) {
      if (reason === undefined) log.info("Extension answers again", { extension });
      else log.warn("Extension is left alone for a while", { extension, reason });
    },
  });
  const forget = () => hooks.retain(new Set(registrations.registry.extensions.map(({ name }) => name)));
  registrations.follow(forget, new AbortController().signal);
  return { registrations, hooks };
}
