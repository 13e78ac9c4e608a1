import { openBridge } from "./bridge.ts";
import type { Network, Transport, TransportOptions } from "./transport.ts";
import { KubeError } from "../errors.ts";

/** The network of the machine we run on: native `fetch` over HTTP/1.1 (over HTTP/2 larger request bodies stall). */
export const systemNetwork: Network = (options) => {
  checkAuthorities(options);
  checkClientCertificate(options);
  const needsBridge = options.insecure || options.serverName !== undefined || options.mayReach !== undefined;
  if (needsBridge) return openBridge(options, createTransport);
  return createTransport(options);
};

function createTransport(options: TransportOptions): Transport {
  const client = createClient(options);
  let closed = false;
  return {
    fetch: (url, init) => fetch(url, { ...init, client } as RequestInit),
    close() {
      if (!closed) client.close();
      closed = true;
    },
  };
}

function createClient({ ca, cert, key, proxy, origin }: TransportOptions): Deno.HttpClient {
  try {
    return Deno.createHttpClient({
      http2: false,
      ...(ca === undefined ? {} : { caCerts: [ca] }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
      ...(proxy === undefined ? {} : { proxy: { url: proxy } }),
    });
  } catch (error) {
    // A wrong proxy shows by the class of the error. Its URL is never quoted, because it may contain a password.
    const what = error instanceof URIError || (error instanceof TypeError && /proxy/.test(error.message))
      ? "Cannot use the proxy: its URL is not one of an http, https or socks5 proxy"
      : `Cannot use the certificate authorities from ${origin?.ca ?? "the credentials"}: ${messageOf(error)}`;
    throw new KubeError("unauthorised", what, { cause: error });
  }
}

/** Checks that there is a certificate: otherwise the file would be silently ignored, and no server would be trusted. */
function checkAuthorities({ ca, origin }: TransportOptions): void {
  if (ca === undefined || ca.includes("-----BEGIN CERTIFICATE-----")) return;
  throw new KubeError(
    "unauthorised",
    `Cannot use the certificate authorities from ${origin?.ca ?? "the credentials"}: there is no PEM certificate in it`,
  );
}

/**
 * `Deno.createHttpClient` ends the process, uncatchably, on a key that does not belong to the certificate or is of an
 * unsupported kind, and on certificates that are of X.509 version 1 or hold a critical extension that it does not know.
 * A TLS listener is built from the same parts by the same code, but throws. So a listener on a loopback port that
 * exists for a millisecond shows beforehand whether they can be used. (In Deno, `node:crypto` cannot read half of the
 * kinds of public keys that TLS accepts.)
 */
function checkClientCertificate({ cert, key, origin }: TransportOptions): void {
  if (cert === undefined && key === undefined) return;
  const what = `Cannot use the client certificate and key from ${origin?.clientCertificate ?? "the credentials"}`;
  if (cert === undefined || key === undefined) {
    throw new KubeError("unauthorised", `${what}: the ${cert === undefined ? "certificate" : "key"} is missing`);
  }
  try {
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key }).close();
  } catch (error) {
    throw new KubeError("unauthorised", `${what}: ${explainCertificate(messageOf(error))}`, { cause: error });
  }
}

/** What a message of the TLS library means to an operator. */
function explainCertificate(message: string): string {
  if (/KeyMismatch/.test(message)) return "the key does not belong to the certificate";
  if (/UnsupportedCertVersion/.test(message)) return "the certificate is of X.509 version 1, and version 3 is needed";
  if (/UnsupportedCriticalExtension/.test(message)) return "the certificate has a critical extension that is not known";
  if (/failed to parse private key/.test(message)) {
    return "the key is none of RSA from 2048 bits, P-256, P-384, P-521 and Ed25519";
  }
  if (/Unable to decode key|No keys found/.test(message)) return "the key is damaged, encrypted, or not in PEM";
  if (/Unable to decode cert|No certificates found/.test(message)) return "the certificate is damaged or not in PEM";
  return message;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
