import { measure, median } from "./process.ts";
import { writeConfiguration, writeRunningRequest } from "./fixture.ts";

/** Latency and memory of the verbs, each run in a process of its own as host factory runs them. */
export async function benchVerbs(binary: string, directory: string): Promise<void> {
  const confdir = `${directory}/conf`;
  writeConfiguration(confdir);
  console.log("verb                      machines    runs   median ms   peak MiB");
  for (const { verb, count, runs, input } of cases()) {
    const workdir = `${directory}/${verb}-${count}`;
    if (verb !== "request-machines") await writeRunningRequest(workdir, "measured0001", count);
    if (verb === "get-return-requests") writeFreshView(workdir);
    const ms: number[] = [];
    const mb: number[] = [];
    for (let run = 0; run < runs; run++) {
      const result = await measure(
        binary,
        ["--workdir", workdir, "--confdir", confdir, verb, "-f", "-"],
        JSON.stringify(input),
      );
      if (result.code !== 0) throw new Error(`${verb} failed: ${result.stdout}`);
      ms.push(result.ms);
      mb.push(result.peakMb);
    }
    const columns = [String(count).padStart(8), String(runs).padStart(8), median(ms).toFixed(0).padStart(12)];
    console.log(verb.padEnd(26) + columns.join("") + median(mb).toFixed(0).padStart(11));
    Deno.removeSync(workdir, { recursive: true });
  }
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
