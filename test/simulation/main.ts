/**
 * Plays the whole system from seeds, one run each, until one fails: then says which, the shortest run that fails the same,
 * and how to play it again.
 */
import { parseArgs } from "node:util";
import { systemFiles } from "../../src/files.ts";
import { startLogging } from "../../src/log.ts";
import { describeEvent, drawPlan, onlyEvents } from "./plan.ts";
import { shrink, type Shrunk } from "./shrink.ts";
import { Simulation } from "./simulation.ts";

const usage = `deno task sim [--seed N] [--runs N] [--minutes N] [--only ID,ID…] [--brief] [--log] [--hashes]

  --seed N      the first seed; default: the time
  --runs N      how many runs; default 300, with --seed alone 1
  --minutes N   go on for so long, whatever --runs says
  --only IDs    play only these events of the seed's plan
  --brief       show a failure as it is, without its trace, and do not make it short
  --log         show what serve logs, too
  --hashes      say of each run in a line its seed and the hash of all that happened`;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    runs: { type: "string" },
    minutes: { type: "string" },
    only: { type: "string" },
    brief: { type: "boolean", default: false },
    log: { type: "boolean", default: false },
    hashes: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  Deno.exit(0);
}
Deno.exit(await main());

async function main(): Promise<number> {
  const first = values.seed === undefined ? Date.now() % 1_000_000_000 : whole(values.seed);
  const untilMs = values.minutes === undefined ? undefined : performance.now() + Number(values.minutes) * 60_000;
  const runs = untilMs !== undefined ? Infinity : whole(values.runs ?? (values.seed === undefined ? "300" : "1"));
  // Most errors say that a file is missing, and most of what they cost is where.
  if (runs > 1) Error.stackTraceLimit = 0;
  const beganMs = performance.now();
  let seconds = 0, played = 0;
  while (played < runs && (untilMs === undefined || performance.now() < untilMs)) {
    const seed = first + played++;
    const whole = drawPlan(seed);
    const plan = values.only === undefined ? whole : onlyEvents(whole, new Set(values.only.split(",").map(Number)));
    const simulation = new Simulation(plan);
    if (values.log) logInto(simulation);
    const outcome = await simulation.run();
    seconds += outcome.seconds;
    if (outcome.violation) {
      const isWhole = values.only === undefined && !values.brief;
      report(seed, isWhole ? await shrink(plan, outcome) : { plan, outcome });
      return 1;
    }
    if (values.hashes) console.log(`${seed} ${outcome.trace.hash}`);
    if (runs === 1) console.log(`${outcome.trace.lines.join("\n")}\n`);
  }
  const tookMs = Math.round(performance.now() - beganMs);
  const seeds = played === 1 ? `seed ${first}` : `seeds ${first} to ${first + played - 1}`;
  console.log(`${played} runs hold (${seeds}): ${(seconds / 3600).toFixed(1)} simulated hours in ${tookMs} ms`);
  return 0;
}

function report(seed: number, { plan, outcome: { violation, trace } }: Shrunk): void {
  const { number, title, what } = violation!;
  const only = plan.events.map(({ id }) => id).join(",");
  if (!values.brief) console.log(`${trace.lines.join("\n")}\n`);
  console.log(`Seed ${seed} violates invariant ${number}, "${title}":
  ${what}
${values.brief ? "It" : "The shortest run that does so"} has these events:
${
    plan.events.map((event) => `  ${describeEvent(event)}\n`).join("")
  }Play it again: deno task sim --seed ${seed} --only ${only || "-1"}`);
}

function whole(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0) return number;
  console.log(usage);
  Deno.exit(2);
}

function logInto({ trace, clock }: Simulation): void {
  const writeError = (line: string) => trace.say("log", line);
  startLogging({ level: "debug", file: undefined, files: systemFiles, writeError, clock });
}
