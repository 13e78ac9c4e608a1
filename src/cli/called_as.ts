import type { Files } from "../files.ts";

/** Programs of the legacy plug-in, and the command that does the same: a link of such a name to this program is called so. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  "hostfactory-admin": ["admin"],
};

/** The words that the name stands for by which this process was started; none for its own (source: proc(5), `cmdline`). */
export function commandCalledAs(files: Pick<Files, "readText">): readonly string[] {
  try {
    const [called = ""] = files.readText("/proc/self/cmdline").split("\0", 1);
    return COMMANDS[called.slice(called.lastIndexOf("/") + 1)] ?? [];
  } catch {
    return []; // No /proc here: then it has one name.
  }
}
