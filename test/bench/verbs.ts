import { measure, median, type Run } from "./process.ts";
import { writeConfiguration, writeRunningRequest } from "./fixture.ts";

/**
 * Latency and memory of the verbs, each run in a process of its own as host factory runs them, and as a multiple of what the
 * runtime alone takes to say hello. Each run is followed by one of that, for the machine is not equally fast all the time.
 * @param hello what `build.sh --hello` makes
 */
export async function benchVerbs({ binary, hello, directory }: Programs): Promise<void> {
  const confdir = `${directory}/conf`;
  writeConfiguration(confdir);
  console.log("verb                      machines    runs   median ms   times hello   peak MiB");
  await benchOne({ binary, hello }, { name: "--version", count: 0, runs: 21, args: ["--version"], input: undefined });
  for (const { verb, count, runs, input } of cases()) {
    const workdir = `${directory}/${verb}-${count}`;
    if (verb !== "request-machines") await writeRunningRequest(workdir, "measured0001", count);
    if (verb === "get-return-requests") writeFreshView(workdir);
    const args = ["--workdir", workdir, "--confdir", confdir, verb, "-f", "-"];
    await benchOne({ binary, hello }, { name: verb, count, runs, args, input });
    Deno.removeSync(workdir, { recursive: true });
  }
}

interface Programs {
  binary: string;
  hello: string;
  directory: string;
}

async function benchOne(
  { binary, hello }: Omit<Programs, "directory">,
  { name, count, runs, args, input }: Omit<Case, "verb"> & { name: string; args: string[] },
): Promise<void> {
  const ours: Run[] = [], bare: Run[] = [];
  for (let run = 0; run < runs; run++) {
    const result = await measure(binary, args, JSON.stringify(input) ?? "");
    if (result.code !== 0) throw new Error(`${name} failed: ${result.stdout}`);
    ours.push(result);
    bare.push(await measure(hello, []));
  }
  const middle = (runs: Run[], key: "ms" | "peakMb") => median(runs.map((run) => run[key]));
  const columns = [
    String(count).padStart(8),
    String(runs).padStart(8),
    middle(ours, "ms").toFixed(0).padStart(12),
    (middle(ours, "ms") / middle(bare, "ms")).toFixed(2).padStart(14),
    middle(ours, "peakMb").toFixed(0).padStart(11),
  ];
  console.log(name.padEnd(26) + columns.join(""));
}

interface Case {
  verb: string;
  count: number;
  runs: number;
  input: unknown;
}

function cases(): Case[] {
  const status = { requests: [{ requestId: "measured0001" }] };
  const machines = (count: number) => ({
    machines: Array.from({ length: count }, (_, i) => ({ name: `measured0001-${i}` })),
  });
  const request = (count: number) => ({ template: { templateId: "T", machineCount: count } });
  return [
    { verb: "get-available-templates", count: 1, runs: 21, input: {} },
    ...[[1, 21], [1_000, 11], [10_000, 5]].flatMap(([count = 0, runs = 0]) => [
      { verb: "request-machines", count, runs, input: request(count) },
      { verb: "get-request-status", count, runs, input: status },
      { verb: "request-return-machines", count, runs, input: machines(count) },
      { verb: "get-return-requests", count, runs, input: machines(count) },
    ]),
  ];
}

function writeFreshView(workdir: string): void {
  const now = Math.floor(Date.now() / 1000);
  Deno.writeTextFileSync(
    `${workdir}/views/pods.json`,
    JSON.stringify({ completeAt: now, heardAt: now + 60, inode: Deno.statSync(workdir).ino }),
  );
}
