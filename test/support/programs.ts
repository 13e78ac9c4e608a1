/** Programs that tests use where they are: on PATH, or downloaded from Debian once into the cache of this user. */

/** A program, and where the libraries are that it came with. */
export interface Program {
  path: string;
  libraries?: string;
}

/** Downloads packages where this host can, as nothing need be installed; succeeds if the program is there. */
const FETCH = `
set -eu
cache=$1 program=$2
shift 2
[ -x "$cache/R/$program" ] && exit 0
command -v apt-get >/dev/null && command -v dpkg >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
[ "$1" != --with-dependencies ] || set -- $(
  apt-get -s install --no-install-recommends "$2" | sed -n 's/^Inst \\([^ ]*\\) .*/\\1/p'
)
timeout 300 apt-get download "$@"
for package in *.deb; do dpkg -x "$package" R; done
mkdir -p "$cache"
rm -rf "$cache/R"
mv R "$cache/R"
`;

/**
 * The first of these programs that runs; else one that is downloaded. `undefined` if there is none.
 * @param options `given`: names or paths; `cached`: what its place in the cache is called; `packages`: Debian's, or
 * `--with-dependencies` and one; `program`, `libraries`: where they are in those
 */
export function findProgram(
  { given, cached, packages, program, libraries = [] }: {
    given: readonly (string | undefined)[];
    cached: string;
    packages: readonly string[];
    program: string;
    libraries?: readonly string[];
  },
): Program | undefined {
  for (const path of given) if (path && runs({ path })) return { path };
  const home = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`;
  const cache = `${home}/hostfactory/${cached}`;
  if (!runs({ path: "sh" }, ["-c", FETCH, "sh", cache, program, ...packages])) return undefined;
  const fetched = {
    path: `${cache}/R/${program}`,
    ...(libraries.length === 0 ? {} : { libraries: libraries.map((directory) => `${cache}/R/${directory}`).join(":") }),
  };
  return runs(fetched) ? fetched : undefined;
}

/** Runs a command on a terminal of its own: that of util-linux. `undefined` if there is none. */
export const script: string | undefined = ["/usr/bin/script", "/bin/script"].find((path) => runs({ path }));

/** True for a program that is on PATH, and runs. */
export function isOnPath(name: string): boolean {
  return runs({ path: name });
}

function runs({ path, libraries }: Program, args: string[] = ["--version"]): boolean {
  const env = libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries };
  try {
    return new Deno.Command(path, { args, env, stdin: "null", stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
