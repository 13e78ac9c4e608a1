/**
 * The reference parser of OpenMetrics, that of the PyPI package `prometheus-client`: the one that python3 has, or one that is
 * downloaded once into the cache of this user.
 */

const cache = `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`}/hostfactory/openmetrics`;
const wheel = `${cache}/prometheus_client-0.26.0-py3-none-any.whl`;

/** Says how many families and samples there are, or what is wrong. */
const PARSE = `
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(sys.stdin.read()))
print(len(families), sum(len(family.samples) for family in families))
`;

/** Python with the parser; `undefined` if it cannot be had. */
const python = find();

/** Whether the parser can be had. */
export const hasOpenMetricsParser: boolean = python !== undefined;

function find(): Record<string, string> | undefined {
  if (succeeds("python3", ["-c", "import prometheus_client.openmetrics.parser"])) return {};
  const environment = { PYTHONPATH: wheel };
  if (succeeds("python3", ["-c", "import prometheus_client.openmetrics.parser"], environment)) return environment;
  const fetch = ["-m", "pip", "download", "-q", "--no-deps", "-d", cache, "prometheus_client==0.26.0"];
  return succeeds("timeout", ["60", "python3", ...fetch]) &&
      succeeds("python3", ["-c", "import prometheus_client.openmetrics.parser"], environment)
    ? environment
    : undefined;
}

function succeeds(program: string, args: string[], env: Record<string, string> = {}): boolean {
  try {
    return new Deno.Command(program, { args, env, stdin: "null", stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** How many families and samples a page of OpenMetrics has. @throws with what the parser says against it */
export async function parseOpenMetrics(page: string): Promise<{ families: number; samples: number }> {
  const command = new Deno.Command("python3", {
    args: ["-c", PARSE],
    env: python ?? {},
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
  const child = command.spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(page));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim().split("\n").at(-1));
  const [families = 0, samples = 0] = new TextDecoder().decode(stdout).trim().split(" ").map(Number);
  return { families, samples };
}
