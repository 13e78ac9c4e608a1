/**
 * A real PostgreSQL server, from Debian's package: one that is installed, or one that is downloaded once into the cache of
 * this user. HF_TEST_POSTGRES names the directory of another's programs.
 */
import { asUser, NOBODY } from "./ordinary_user.ts";

const cache = `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`}/hostfactory/postgres`;

/** Downloads where this host can, as it need not be installed; succeeds if it is there. */
const FETCH = `
set -eu
[ -x "$1"/R/usr/lib/postgresql/*/bin/initdb ] && exit 0
command -v apt-get >/dev/null && command -v dpkg >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
version=$(apt-cache search --names-only '^postgresql-[0-9]+$' | sed 's/ .*//; s/.*-//' | sort -n | tail -1)
timeout 120 apt-get download "postgresql-$version" "postgresql-client-$version" libpq5
for package in *.deb; do dpkg -x "$package" R; done
mkdir -p "$1"
rm -rf "$1/R"
mv R "$1/R"
`;

/** The directory of its programs; `undefined` if it cannot be had. */
const programs: string | undefined = find();
export const postgresIsThere = programs !== undefined;

/** A server of its own, on a port of its own, that anyone on this host may use. */
export class Postgres implements AsyncDisposable {
  readonly port: number;
  readonly #directory: string;

  private constructor(directory: string, port: number) {
    this.#directory = directory;
    this.port = port;
  }

  static async start(): Promise<Postgres> {
    const directory = Deno.makeTempDirSync({ prefix: "hostfactory-postgres-" });
    // The server refuses to run as root.
    if (Deno.uid() === 0) Deno.chownSync(directory, NOBODY, NOBODY);
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    const postgres = new Postgres(directory, port);
    await postgres.#run("initdb", "-D", `${directory}/data`, "-A", "trust", "-U", "test", "--no-sync", "--no-locale");
    const options = `-p ${port} -k ${directory} -c listen_addresses=127.0.0.1 -c fsync=off`;
    await postgres.#run("pg_ctl", "-w", "-D", `${directory}/data`, "-l", `${directory}/log`, "-o", options, "start");
    return postgres;
  }

  get url(): string {
    return `postgresql://test@127.0.0.1:${this.port}/postgres`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#run("pg_ctl", "-w", "-D", `${this.#directory}/data`, "-m", "immediate", "stop");
    Deno.removeSync(this.#directory, { recursive: true });
  }

  async #run(program: string, ...args: string[]): Promise<void> {
    const command = [`${programs}/${program}`, ...args];
    await succeeds(Deno.uid() === 0 ? [...asUser(NOBODY), ...command] : command);
  }
}

async function succeeds([program = "", ...args]: string[]): Promise<void> {
  // Where it was unpacked, its libraries lie beside it.
  const env = { LD_LIBRARY_PATH: `${cache}/R/usr/lib/x86_64-linux-gnu` };
  const command = new Deno.Command(program, { args, env, stdin: "null", stdout: "null", stderr: "piped", cwd: "/" });
  const { success, stderr } = await command.output();
  if (!success) throw new Error(`${program} ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
}

function find(): string | undefined {
  const given = Deno.env.get("HF_TEST_POSTGRES");
  if (given) return given;
  const script = `ls -d /usr/lib/postgresql/*/bin "$1"/R/usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1`;
  const found = () => said("sh", ["-c", script, "sh", cache])?.trim() || undefined;
  return found() ?? (said("sh", ["-c", FETCH, "sh", cache]) === undefined ? undefined : found());
}

/** What a program says; `undefined` if it fails. */
function said(program: string, args: string[]): string | undefined {
  try {
    const command = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "null" });
    const { success, stdout } = command.outputSync();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}
