import type { Extension, HookKind, Registry } from "./extension.ts";
import type { Caller } from "./pre_create.ts";

/** What calls hooks stands on this: who is registered now, and the client. */
export interface Extensions {
  readonly registry: Registry;
  readonly client: Caller;
  /** Calls `changed` whenever the registry is another, until `signal` aborts; absent: it never is. */
  readonly follow?: (changed: () => void, signal: AbortSignal) => void;
  /** The configuration directory; absent if nothing names one. */
  readonly confdir: string | undefined;
}

/** Those with a hook of this kind, in their order. */
export function withHook({ registry }: Pick<Extensions, "registry">, kind: HookKind): Extension[] {
  return registry.extensions.filter(({ hooks }) => hooks[kind] !== undefined);
}
