/**
 * A process that does nothing but to feel its pulse, as `serve` does: how late an event loop is on this machine anyway.
 * Argument: the log.
 */
import { systemClock } from "../../src/clock.ts";
import { systemFiles } from "../../src/files.ts";
import { startLogging } from "../../src/log.ts";
import { systemRandom } from "../../src/random.ts";
import { LoopRunner } from "../../src/serve/loop_runner.ts";
import { StatsLine, systemUsage } from "../../src/serve/stats_line.ts";

startLogging({ level: "info", file: Deno.args[0], files: systemFiles, writeError: console.error });
const runner = new LoopRunner({ clock: systemClock, random: systemRandom, periodMs: Infinity });
await runner.run(new StatsLine({ clock: systemClock, usage: systemUsage }), new AbortController().signal);
