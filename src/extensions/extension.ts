/** The hooks that this version calls. Others are kept, and reported as unknown: they may be another version's. */
export const HOOKS = ["pre-create", "lint", "pre-delete", "notify"] as const;
export type HookKind = typeof HOOKS[number];

/** What becomes of a pod where a hook does not answer in time: it is not created, or it goes on without that extension. */
export const FAILURE_POLICIES = ["fail", "ignore"] as const;
export type FailurePolicy = typeof FAILURE_POLICIES[number];

/** Addresses that are refused unless the registration allows them, which only a file may: see `docs/extensions.md`. */
export const GUARDED_ADDRESSES = ["loopback", "link-local"] as const;
export type GuardedAddress = typeof GUARDED_ADDRESSES[number];

/** Where a registration stands. */
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
  /** Among those that nothing else orders the smaller goes first, then the name that sorts first. */
  priority: number;
  failurePolicy: FailurePolicy;
  /** Milliseconds for one call, from the first byte sent to the last byte read. */
  timeoutMs: number;
  /** For how long, in milliseconds, `pre-create` is tried again before the failure policy decides. */
  retryMs: number;
  /** Milliseconds for which `pre-delete` may delay a deletion at most. */
  drainMs: number;
  /** Machines in one call of `pre-create` at most; 1 if it takes one at a time. */
  batch: number;
  /** JSON pointers: what lies below them `pre-create` may change. */
  mayChange: string[];
  /** PEM; absent: the system's authorities. */
  caBundle: string | undefined;
  /** Paths, absolute; read anew for each connection. */
  credentials: {
    tokenFile?: string | undefined;
    hmacKeyFile?: string | undefined;
    clientCertificateFile?: string | undefined;
    clientKeyFile?: string | undefined;
  };
  allowAddresses: GuardedAddress[];
}

/** What is wrong with one registration, or with how several stand to each other: names it, the field, and what to do. */
export interface RegistrationProblem {
  /** The extension, or the file if it has no name that can be used. */
  name: string;
  severity: "error" | "warning";
  message: string;
  /** Where it stands; absent: the problem is not of one registration. */
  registration?: Registration;
}

/** An extension that is not called, and without which no pod may be created. */
export interface BlockedExtension {
  extension: Extension;
  /** Why it is not called, as a sentence without a full stop. */
  reason: string;
}

/** Every extension that can be used, in the order in which hooks are called, and what is wrong with the others. */
export interface Registry {
  extensions: Extension[];
  /** While there is one, no pod may be created: each has the failure policy `fail`, and waits for itself in a loop. */
  blocked: BlockedExtension[];
  problems: RegistrationProblem[];
}

/** Those with a hook of this kind, in their order. */
export function withHook({ extensions }: Registry, kind: HookKind): Extension[] {
  return extensions.filter(({ hooks }) => hooks[kind] !== undefined);
}
