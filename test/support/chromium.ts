/**
 * A browser for tests: Debian's headless Chromium, driven by `playwright-core`. The one on PATH is taken, or one that is downloaded
 * once into the cache of this user, with what it needs and this host lacks. HF_TEST_CHROMIUM names another.
 */
import { type Browser, chromium as driver } from "playwright-core";

const cache = `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`}/hostfactory/chromium`;

/** Downloads where this host can, as nothing need be installed; succeeds if it is there. */
const FETCH = `
set -eu
[ -x "$1/R/usr/bin/chromium-headless-shell" ] && exit 0
command -v apt-get >/dev/null && command -v dpkg >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
packages=$(apt-get -s install --no-install-recommends chromium-headless-shell | sed -n 's/^Inst \\([^ ]*\\) .*/\\1/p')
timeout 300 apt-get download $packages
for package in *.deb; do dpkg -x "$package" R; done
mkdir -p "$1"
rm -rf "$1/R"
mv R "$1/R"
`;

interface Program {
  path: string;
  libraries?: string;
}

/** The program; `undefined` if it cannot be had. */
export const chromium: Program | undefined = find();

function find(): Program | undefined {
  const given = [Deno.env.get("HF_TEST_CHROMIUM"), "chromium-headless-shell", "chromium"];
  for (const path of given) if (path && succeeds({ path }, ["--version"])) return { path };
  const fetched = {
    path: `${cache}/R/usr/lib/chromium/chromium-headless-shell`,
    libraries: ["usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/pulseaudio", "lib/x86_64-linux-gnu"]
      .map((directory) => `${cache}/R/${directory}`).join(":"),
  };
  if (!succeeds({ path: "sh" }, ["-c", FETCH, "sh", cache])) return undefined;
  return succeeds(fetched, ["--version"]) ? fetched : undefined;
}

function succeeds({ path, libraries }: Program, args: string[]): boolean {
  const env = libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries };
  try {
    return new Deno.Command(path, { args, env, stdin: "null", stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Starts the browser, without a sandbox: it sees pages of ours alone. */
export function startBrowser(): Promise<Browser> {
  const { path = "chromium", libraries } = chromium ?? {};
  return driver.launch({
    executablePath: path,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
    ...(libraries === undefined ? {} : { env: { ...Deno.env.toObject(), LD_LIBRARY_PATH: libraries } }),
  });
}
