/**
 * The hooks that this version calls. A registration may have others, which are reported but kept: another version may
 * know them.
 */
export const HOOKS = ["pre-create", "lint", "pre-delete", "notify"] as const;
export type HookKind = typeof HOOKS[number];

/**
 * What happens to a pod if a hook does not answer in time: it is not created (`fail`), or created without that
 * extension.
 */
export const FAILURE_POLICIES = ["fail", "ignore"] as const;
export type FailurePolicy = typeof FAILURE_POLICIES[number];

/**
 * Ranges of addresses that a hook may use only if its registration is a file and allows it: see `docs/extensions.md`.
 */
export const GUARDED_ADDRESSES = ["loopback", "link-local"] as const;
export type GuardedAddress = typeof GUARDED_ADDRESSES[number];

/** Where a registration is stored. */
export type Registration = { kind: "file"; path: string } | { kind: "resource"; name: string; uid: string };

/** A registered extension, checked, with all defaults filled in. */
export interface Extension {
  name: string;
  registration: Registration;
  maintainer: string | undefined;
  repository: string | undefined;
  category: string | undefined;
  /** URLs by kind. */
  hooks: Partial<Record<HookKind, string>>;
  /** Names of hooks that this version does not know. */
  unknownHooks: string[];
  /** Names of extensions, or `category:NAME`. */
  before: string[];
  after: string[];
  /** If `before` and `after` leave the order open, the smaller priority goes first, then the name that sorts first. */
  priority: number;
  failurePolicy: FailurePolicy;
  /** Milliseconds for one call, from the first byte sent to the last byte read. */
  timeoutMs: number;
  /** How long `pre-create` is tried again before the failure policy decides, in milliseconds. */
  retryMs: number;
  /** How long `pre-delete` may delay a deletion at most, in milliseconds. */
  drainMs: number;
  /** How many machines one call of `pre-create` may contain. */
  batch: number;
  /** JSON pointers to the parts of a pod that `pre-create` may change. */
  mayChange: string[];
  /** PEM; absent: the system's authorities. */
  caBundle: string | undefined;
  /** Absolute paths. The files are read again for each connection. */
  credentials: {
    tokenFile?: string | undefined;
    hmacKeyFile?: string | undefined;
    clientCertificateFile?: string | undefined;
    clientKeyFile?: string | undefined;
  };
  allowAddresses: GuardedAddress[];
}

/** A problem of one registration, or of several together. Names the registration, the field, and what to do. */
export interface RegistrationProblem {
  /** The extension, or the file if it has no name that can be used. */
  name: string;
  severity: "error" | "warning";
  message: string;
  /** Where the registration is; absent if the problem concerns several. */
  registration?: Registration;
}

/** An extension that cannot be called, and without which no pod may be created. */
export interface BlockedExtension {
  extension: Extension;
  /** Why it is not called, as a sentence without a full stop. */
  reason: string;
}

/** The extensions that can be used, in the order of their calls, and what is wrong with the others. */
export interface Registry {
  extensions: Extension[];
  /**
   * Extensions with the policy `fail` that are in a loop of `before` and `after`. While there is one, no pod may be
   * created.
   */
  blocked: BlockedExtension[];
  problems: RegistrationProblem[];
}

/** The extensions with a hook of this kind, in their order. */
export function withHook({ extensions }: Registry, kind: HookKind): Extension[] {
  return extensions.filter(({ hooks }) => hooks[kind] !== undefined);
}
