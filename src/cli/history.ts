import { Option } from "commander";
import { epochSeconds } from "../clock.ts";
import { configure } from "./cli.ts";
import type { Call, CommandBody } from "./command.ts";
import { duration, givenDatabase, sharedOption, words } from "./options.ts";
import { isPlain, outputColumns, writeJson, writeStyled } from "./output.ts";

interface Options {
  since?: number;
  machine?: string;
  request?: string;
  template?: string;
  node?: string;
  type?: string[];
  follow?: boolean;
  output: "text" | "json" | "wide";
  dbfile?: string;
}

/** How far back it goes by default, in seconds. For one machine or request it goes back to the beginning. */
const USUAL_SECONDS = 3_600;

export const history: CommandBody = {
  declare(command) {
    command
      .addOption(
        new Option("--since <time>", "how far back: 90m, 12h, 7d; default: 1h, or all of a machine or request")
          .argParser(duration),
      )
      .option("--machine <name>", "only of this machine")
      .option("--request <id>", "only of the machines of this request")
      .option("--template <id>", "only of machines of this template")
      .option("--node <name>", "only of the machines that were on this node")
      .option("--type <words>", "only these, separated by commas: failed, ready, away, … (docs/events.md)", words)
      .option("--follow", "go on, with what happens from now on")
      .addOption(
        new Option(
          "-o, --output <format>",
          "how to print it; wide: every step, and the machines; json: a line for each entry",
        )
          .choices(["text", "json", "wide"]).default("text"),
      )
      .addOption(sharedOption.dbfile());
  },
  run: tell,
};

async function tell(call: Call<Options>): Promise<void> {
  const { cli: { files, clock, environment }, options, stopping: signal } = call;
  const config = configure(call, { defaultLogLevel: "warning" });
  const { output, follow = false, machine, request } = options;
  const [account, shown, { checkIsThere }] = await Promise.all([
    import("../history/history.ts"),
    import("../history/lines.ts"),
    import("../admin/open_picture.ts"),
  ]);
  if (options.dbfile === undefined) checkIsThere(config, { files });
  const seconds = options.since ?? (machine ?? request ? undefined : USUAL_SECONDS);
  const since = seconds === undefined ? undefined : epochSeconds(clock.now()) - seconds;
  const question = {
    ...options,
    ...givenDatabase(files, options.dbfile),
    since,
    types: options.type,
    all: output === "wide",
  };
  const lines = new shown.Lines({ columns: outputColumns(), isWide: output === "wide" });
  const plain = isPlain(environment);
  try {
    for await (const entries of account.history({ files, clock, signal }, config, question)) {
      if (output === "json") { for (const entry of entries) writeJson(shown.asDocument(entry), { indent: 0 }); }
      else writeStyled(entries.flatMap((entry) => lines.of(entry)), { plain });
      if (!follow) return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
