import type { TransportOptions } from "./transport.ts";

/** Everything that a request needs to be accepted. Never modified: when credentials change, there is a new one. */
export interface Login {
  /** `https://host:port`, perhaps with a path, without a slash at its end. */
  readonly server: string;
  readonly namespace: string;
  /** Headers of every request: `authorization`, `impersonate-…`. Secret. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly transport: TransportOptions;
  /** Whose credentials these are, in words, for messages: `user 'x' of '/home/x/.kube/config'`. */
  readonly source: string;
}

/** Where logins come from. */
export interface LoginSource {
  /**
   * The login to use now. This is cheap: files are checked for changes at most once a second.
   * @throws KubeError `unauthorised`, with one sentence that names what is wrong; the next call tries again
   */
  current(): Promise<Login>;
  /** Reports that the server did not accept `login`, so that the next `current` reads files and runs plug-ins again. */
  rejected(login: Login): void;
}
