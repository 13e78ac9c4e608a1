/**
 * How to reach one server: which certificates to trust, who we are, and through which proxy. Certificates and keys are
 * PEM.
 */
export interface TransportOptions {
  /** Certificates of authorities to trust, in addition to those that the system trusts. */
  ca?: string;
  /**
   * Our certificate chain and its key: PKCS#8, PKCS#1 or SEC1; RSA with at least 2048 bits, P-256, P-384, P-521 or
   * Ed25519.
   */
  cert?: string;
  key?: string;
  /** Accept any certificate of the server: anyone in between can read and change everything. */
  insecure?: boolean;
  /** The name that the server's certificate must have, if it is not the one in the URL. */
  serverName?: string;
  /** URL of an `http`, `https`, `socks5` or `socks5h` proxy, perhaps with user and password. */
  proxy?: string;
  /** Whether an address may be connected to; called once the connection is open, before a byte is sent. */
  mayReach?: (address: string) => boolean;
  /** Where `ca` and where `cert` and `key` come from, in words, for messages. */
  origin?: { ca?: string; clientCertificate?: string };
}

/** A pool of connections that shares one set of credentials. */
export interface Transport {
  /** Like the global `fetch`, with the same errors. */
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Closes the idle connections. Calls in flight go on to their end; later calls reject. */
  close(): void;
}

/**
 * The network, as a function from credentials to connections, so that a simulation can be one.
 * @throws KubeError `unauthorised` if the credentials cannot be used at all
 */
export type Network = (options: TransportOptions) => Transport;
