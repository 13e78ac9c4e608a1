/** Programs of the legacy plug-in, and the command that does the same: a link of such a name to this program is called so. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  "hostfactory-events": ["events"],
  "hostfactory-utils": ["utils"],
};

/** The words that the name stands for by which this program was started; none for its own. @param name with or without its directory */
export function commandCalledAs(name: string): readonly string[] {
  return COMMANDS[name.slice(name.lastIndexOf("/") + 1)] ?? [];
}
