/** How to reach one server: whom to trust, who we are, and by which way. Texts are PEM. */
export interface TransportOptions {
  /** Certificates of authorities to trust, beside those that the system trusts. */
  ca?: string;
  /** Our certificate chain, and its key: PKCS#8, PKCS#1 or SEC1; RSA from 2048 bits, P-256, P-384, P-521 or Ed25519. */
  cert?: string;
  key?: string;
  /** Accept any certificate of the server: anyone on the way can read and change everything. */
  insecure?: boolean;
  /** The name that the server's certificate must have, if it is not the one in the URL. */
  serverName?: string;
  /** URL of an `http`, `https`, `socks5` or `socks5h` proxy, perhaps with user and password. */
  proxy?: string;
  /** Whether an address, as text, may be connected to: it is asked once the connection is there, before a byte is sent. */
  mayReach?: (address: string) => boolean;
  /** Where `ca` and where `cert` and `key` come from, in words, for messages. */
  origin?: { ca?: string; clientCertificate?: string };
}

/** A pool of connections that shares one set of credentials. */
export interface Transport {
  /** Like the global `fetch`. What it rejects with is the caller's to sort. */
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Lets go of the idle connections. Calls under way go on to their end; later ones reject. */
  close(): void;
}

/**
 * The network, as a function from credentials to connections, so that a simulation can be one.
 * @throws KubeError `unauthorised` if the credentials cannot be used at all
 */
export type Network = (options: TransportOptions) => Transport;
