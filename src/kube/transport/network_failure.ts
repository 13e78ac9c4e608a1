import { KubeError } from "../errors.ts";
import type { Login } from "./login.ts";

/** The KubeError for a failure of the network, in a call that was made with this login. */
export function explainNetworkError(error: unknown, login: Login): KubeError {
  if (error instanceof KubeError) return error;
  const why = shorten(error);
  const server = new URL(login.server).origin;
  const { ca, clientCertificate } = login.transport.origin ?? {};
  if (
    /received fatal alert: (CertificateRequired|BadCertificate|CertificateUnknown|CertificateExpired|CertificateRevoked|UnknownCA|UnsupportedCertificate|AccessDenied)/
      .test(why)
  ) {
    return new KubeError(
      "unauthorised",
      `The API server at ${server} refuses the client certificate from ${clientCertificate ?? login.source}: ${why}`,
      { cause: error },
    );
  }
  if (/invalid peer certificate: UnknownIssuer/.test(why)) {
    return new KubeError(
      "unavailable",
      `The certificate of the API server at ${server} is signed by none of the authorities in ${
        ca ?? "the system's list"
      }`,
      { cause: error },
    );
  }
  return new KubeError("unavailable", `Cannot reach the API server at ${server}: ${why}`, {
    cause: error,
    ...(login.transport.proxy ? { hint: "a proxy is on the way: check --proxy, HTTPS_PROXY and NO_PROXY" } : {}),
  });
}

/** The innermost cause in an error of `fetch`, without the URL, which is long and does not help. */
export function shorten(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^error sending request .*?: (client error \(\w+\): )/, "").replace(/^connection error: /, "")
    .replace(/ \(os error \d+\)$/, "");
}
