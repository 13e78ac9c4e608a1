/**
 * Prometheus' own checker, from Debian's package `prometheus`: the one on PATH, or one that is downloaded once into the cache of
 * this user. HF_TEST_PROMTOOL names another.
 */

const cache = `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`}/hostfactory/promtool`;

/** Downloads where this host can, as it need not be installed; succeeds if it is there. */
const FETCH = `
set -eu
[ -x "$1/R/usr/bin/promtool" ] && exit 0
command -v apt-get >/dev/null && command -v dpkg >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
timeout 60 apt-get download prometheus
dpkg -x prometheus_*.deb R
mkdir -p "$1"
rm -rf "$1/R"
mv R "$1/R"
`;

/** The program; `undefined` if it cannot be had. */
export const promtool: string | undefined = find();

function find(): string | undefined {
  const given = Deno.env.get("HF_TEST_PROMTOOL") ?? "promtool";
  if (succeeds(given, ["--version"])) return given;
  const fetched = `${cache}/R/usr/bin/promtool`;
  return succeeds("sh", ["-c", FETCH, "sh", cache]) && succeeds(fetched, ["--version"]) ? fetched : undefined;
}

function succeeds(program: string, args: string[]): boolean {
  try {
    return new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Runs promtool with a text as its input. @returns its exit status, and what it says */
export async function runPromtool(args: string[], text = ""): Promise<{ code: number; said: string }> {
  const command = new Deno.Command(promtool ?? "promtool", { args, stdin: "piped", stdout: "piped", stderr: "piped" });
  const child = command.spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}
