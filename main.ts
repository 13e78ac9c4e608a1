import { writeError, writeOutput } from "./src/cli/output.ts";
import { versionLine } from "./src/version.ts";

// All else is loaded only once it is needed: to load it takes longer than to print one line.
if (["--version", "-V"].includes(Deno.args[0] ?? "")) {
  try {
    writeOutput(`${versionLine}\n`);
    Deno.exit(0);
  } catch (error) {
    const { describeError } = await import("./src/errors.ts");
    writeError(`hostfactory: ${describeError(error)}`);
    Deno.exit(1);
  }
}
const { run } = await import("./src/cli/run.ts");
Deno.exit(await run(Deno.args));
