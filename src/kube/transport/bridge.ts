import { connect as connectTls } from "node:tls";
import { withoutVariables } from "../../config.ts";
import type { Transport, TransportOptions } from "./transport.ts";

/**
 * A transport for what native `fetch` cannot do: accept any certificate, expect another name in the certificate than
 * that of the URL, or check which address a name leads to before anything is sent there.
 *
 * It gives `fetch` a SOCKS5 proxy on a loopback port of this process, which requires a random password and leads to
 * that one server only. If another name is expected, the proxy passes the bytes on, and `fetch` does TLS with that
 * name. If no certificate is checked, the proxy itself does TLS, and `fetch` speaks plain HTTP to the proxy.
 */
export function openBridge(
  options: TransportOptions,
  createTransport: (options: TransportOptions) => Transport,
): Transport {
  return new Bridge(options, createTransport);
}

class Bridge implements Transport {
  readonly #options: TransportOptions;
  readonly #listener: Deno.TcpListener;
  /** What is given to `fetch`: it sends everything through our proxy. */
  readonly #inner: Transport;
  /** The server that the proxy leads to: that of the first call. */
  #target: URL | undefined;

  constructor(options: TransportOptions, createTransport: (options: TransportOptions) => Transport) {
    this.#options = options;
    // deno-lint-ignore edges/one-place -- a secret: no seed may decide it
    const password = crypto.randomUUID();
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#listener.unref(); // It must not keep a process alive that has nothing else to do.
    const proxy = `socks5h://bridge:${password}@127.0.0.1:${this.#listener.addr.port}`;
    accept(this.#listener, { password, open: () => this.#openServer() }).catch(() => {}); // Closed.
    // With these variables the runtime would go past the proxy for the hosts that they name.
    this.#inner = withoutVariables(["NO_PROXY", "no_proxy"], () => createTransport(innerOptions(options, proxy)));
  }

  fetch(address: string, init: RequestInit): Promise<Response> {
    const { insecure, serverName } = this.#options;
    const url = new URL(address);
    this.#target ??= new URL(url.origin);
    if (url.protocol === "https:") {
      // The bridge does TLS. The name in this URL cannot exist, so that nothing could go out unencrypted without the
      // bridge.
      if (insecure) return this.#inner.fetch(`http://bridge.invalid${url.pathname}${url.search}`, init);
      url.hostname = serverName ?? url.hostname;
    }
    return this.#inner.fetch(url.href, init);
  }

  close(): void {
    this.#inner.close();
    try {
      this.#listener.close();
    } catch { /* Closed already. */ }
  }

  async #openServer(): Promise<Stream> {
    if (!this.#target) throw new Error("no server yet");
    return await (this.#options.insecure ? openUnchecked : openPlain)(this.#target, this.#options);
  }
}

/** The options for `fetch`, which goes through our proxy. If the proxy does TLS, `fetch` needs no certificates. */
function innerOptions(
  { insecure, ca, cert, key, origin }: TransportOptions,
  proxy: string,
): TransportOptions {
  if (insecure) return { proxy };
  return {
    proxy,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(origin === undefined ? {} : { origin }),
  };
}

/** Both directions of a connection, either to the client or to the server. */
interface Stream {
  readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  writable: WritableStream<Uint8Array<ArrayBuffer>>;
}

async function accept(
  listener: Deno.Listener,
  options: { password: string; open: () => Promise<Stream> },
): Promise<void> {
  for await (const connection of listener) {
    serve(connection, options).catch(() => {
      // Closing the connection tells the client that the server is gone.
      try {
        connection.close();
      } catch { /* Closed already. */ }
    });
  }
}

/**
 * SOCKS5 (RFC 1928) with user name and password (RFC 1929). The address that the client asks for is ignored: there is
 * only one.
 */
async function serve(
  connection: Deno.Conn,
  { password, open }: { password: string; open: () => Promise<Stream> },
): Promise<void> {
  const [, methods = 0] = await readExactly(connection, 2);
  await readExactly(connection, methods);
  await connection.write(Uint8Array.of(5, 2));
  const [, userLength = 0] = await readExactly(connection, 2);
  await readExactly(connection, userLength);
  const [passwordLength = 0] = await readExactly(connection, 1);
  const given = new TextDecoder().decode(await readExactly(connection, passwordLength));
  if (given !== password) throw new Error("wrong password");
  await connection.write(Uint8Array.of(1, 0));
  const [, , , kind = 0] = await readExactly(connection, 4);
  const addressLength = kind === 1 ? 4 : kind === 4 ? 16 : (await readExactly(connection, 1))[0] ?? 0;
  await readExactly(connection, addressLength + 2);
  const server = await open().catch(async (error) => {
    await connection.write(reply(codeOf(error)));
    throw error;
  });
  await connection.write(reply(0));
  await Promise.all([
    connection.readable.pipeTo(server.writable),
    server.readable.pipeTo(connection.writable),
  ]);
}

/** The reply to a client; apart from the code, its fields mean nothing. */
function reply(code: number): Uint8Array {
  return Uint8Array.of(5, code, 0, 1, 0, 0, 0, 0, 0, 0);
}

/** The SOCKS code for why there is no connection, which the client turns into a message. */
function codeOf(error: unknown): number {
  if (error instanceof Deno.errors.PermissionDenied) return 2;
  return error instanceof Deno.errors.ConnectionRefused ? 5 : 4;
}

async function readExactly(connection: Deno.Conn, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  for (let filled = 0; filled < count;) {
    const read = await connection.read(bytes.subarray(filled));
    if (read === null) throw new Error("the connection ended");
    filled += read;
  }
  return bytes;
}

function portOf(url: URL): number {
  return Number(url.port || (url.protocol === "https:" ? 443 : 80));
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

async function openPlain(target: URL, { mayReach }: TransportOptions): Promise<Stream> {
  const connection = await Deno.connect({ hostname: hostOf(target), port: portOf(target) });
  if (!mayReach || mayReach(connection.remoteAddr.hostname)) return connection;
  connection.close();
  throw new Deno.errors.PermissionDenied("it may not be connected to");
}

/** Connects by TLS without checking the server's certificate. */
function openUnchecked(target: URL, { cert, key }: TransportOptions): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: hostOf(target),
      port: portOf(target),
      rejectUnauthorized: false,
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      resolve({
        readable: new ReadableStream({
          start(controller) {
            socket.on("data", (bytes: Uint8Array) => {
              controller.enqueue(new Uint8Array(bytes));
              if ((controller.desiredSize ?? 1) <= 0) socket.pause();
            });
            socket.once("end", () => controller.close());
            socket.once("error", (error) => controller.error(error));
          },
          pull: () => void socket.resume(),
          cancel: () => void socket.destroy(),
        }),
        writable: new WritableStream({
          write: (bytes) =>
            new Promise((done, failed) => socket.write(bytes, (error) => error ? failed(error) : done())),
          close: () => void socket.end(),
          abort: () => void socket.destroy(),
        }),
      });
    });
  });
}
