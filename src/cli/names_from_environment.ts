import { knownNames } from "../admin/known_names.ts";
import { openForReading } from "../admin/open_picture.ts";
import { systemClock } from "../clock.ts";
import { type Environment, loadConfig } from "../config.ts";
import { systemFiles } from "../files.ts";
import { systemRandom } from "../random.ts";
import type { KnownNames } from "./complete_words.ts";

const NONE: KnownNames = {
  templates: () => [],
  requests: () => [],
  returns: () => [],
  machines: () => [],
  nodes: () => [],
};

/**
 * The names in the directories that the command line so far or the environment points to; none if those cannot be used.
 */
export function namesFromEnvironment(words: readonly string[], environment: Environment): KnownNames {
  const valueOf = (option: string) => {
    const at = words.indexOf(option);
    return at < 0 ? undefined : words[at + 1];
  };
  const [workdir, confdir] = [valueOf("--workdir"), valueOf("--confdir")];
  try {
    const config = loadConfig({ ...(workdir ? { workdir } : {}), ...(confdir ? { confdir } : {}) }, environment);
    return knownNames(openForReading(config, { files: systemFiles, clock: systemClock, random: systemRandom }));
  } catch {
    return NONE;
  }
}
