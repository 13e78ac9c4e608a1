/**
 * A real S3 server that refuses wrong signatures: Versity's gateway over a directory. The one on PATH, or one that Go builds once
 * into the cache of this user, which takes minutes. HF_TEST_VERSITYGW names another.
 */
import { eventually } from "./deadline.ts";

const VERSION = "v1.8.0";
const cache = `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`}/hostfactory/versitygw`;

/** The program; `undefined` if it cannot be had. */
const program: string | undefined = find();
export const s3IsThere = program !== undefined;

/** A server of its own with one bucket, `grid`, in a region. */
export class S3Server implements AsyncDisposable {
  readonly url: string;
  readonly accessKeyId = "test-key";
  readonly secretAccessKey = "test-secret";
  readonly #directory: string;
  readonly #child: Deno.ChildProcess;

  private constructor(directory: string, port: number) {
    this.#directory = directory;
    this.url = `http://127.0.0.1:${port}`;
    const keys = ["--access", this.accessKeyId, "--secret", this.secretAccessKey];
    const args = [...keys, "--region", "eu-west-1", "--port", `127.0.0.1:${port}`, "--quiet", "posix", directory];
    this.#child = new Deno.Command(program ?? "versitygw", { args, stdin: "null", stdout: "null", stderr: "null" })
      .spawn();
  }

  static async start(): Promise<S3Server> {
    const directory = Deno.makeTempDirSync({ prefix: "hostfactory-s3-" });
    Deno.mkdirSync(`${directory}/grid`);
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    const server = new S3Server(directory, port);
    await eventually("an S3 server", async () => {
      try {
        await (await fetch(server.url)).body?.cancel();
        return true;
      } catch {
        return false;
      }
    });
    return server;
  }

  /** What an object holds. */
  object(key: string): Uint8Array<ArrayBuffer> {
    return Deno.readFileSync(`${this.#directory}/grid/${key}`);
  }

  /** The keys of all objects. */
  keys(below = `${this.#directory}/grid`): string[] {
    return [...Deno.readDirSync(below)].flatMap(({ name, isDirectory }) =>
      isDirectory ? this.keys(`${below}/${name}`) : [`${below}/${name}`.replace(`${this.#directory}/grid/`, "")]
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    Deno.removeSync(this.#directory, { recursive: true });
  }
}

function find(): string | undefined {
  const built = `${cache}/versitygw`;
  for (const candidate of [Deno.env.get("HF_TEST_VERSITYGW") ?? "versitygw", built]) {
    if (succeeds(candidate, ["--version"])) return candidate;
  }
  const env = { GOBIN: cache };
  const install = ["300", "nice", "go", "install", `github.com/versity/versitygw/cmd/versitygw@${VERSION}`];
  return succeeds("timeout", install, env) && succeeds(built, ["--version"]) ? built : undefined;
}

function succeeds(program: string, args: string[], env: Record<string, string> = {}): boolean {
  try {
    const command = new Deno.Command(program, { args, env, stdin: "null", stdout: "null", stderr: "null" });
    return command.outputSync().success;
  } catch {
    return false;
  }
}
