import type { Extension, Registry } from "../../src/extensions/extension.ts";
import { HookClient } from "../../src/extensions/hook_client.ts";
import { Registrations } from "../../src/extensions/registrations.ts";
import type { Network, TransportOptions } from "../../src/kube/transport/transport.ts";
import { seededRandom } from "../../src/random.ts";
import { MemoryFiles } from "./memory_files.ts";
import { SimulatedClock } from "./simulated_clock.ts";

/** An extension with a `pre-create` hook, as a file registers it. */
export function extension(name: string, options: Partial<Extension> = {}): Extension {
  return {
    name,
    registration: { kind: "file", path: `/conf/extensions.d/${name}.yaml` },
    maintainer: undefined,
    repository: undefined,
    category: undefined,
    hooks: { "pre-create": `https://${name}.test/pre-create` },
    unknownHooks: [],
    before: [],
    after: [],
    priority: 0,
    failurePolicy: "fail",
    timeoutMs: 5_000,
    retryMs: 30_000,
    drainMs: 60_000,
    batch: 1,
    mayChange: ["/metadata/labels", "/metadata/annotations", "/spec"],
    caBundle: undefined,
    credentials: {},
    allowAddresses: [],
    ...options,
  };
}

/** Registrations that are what a test says. */
export class GivenRegistrations extends Registrations {
  readonly given: Registry;

  constructor(given: Registry) {
    super({ files: new MemoryFiles({ now: () => 0 }), confdir: "/conf", report: () => {} });
    this.given = given;
  }

  override get registry(): Registry {
    return this.given;
  }

  override get isSettled(): boolean {
    return true;
  }
}

/** A request as a hook sees it. */
export interface Seen {
  url: string;
  headers: Headers;
  // deno-lint-ignore no-explicit-any -- a test knows what it has sent
  document: any;
}

/** What a hook of a test does with a request. */
export type Hook = (seen: Seen) => Response | Promise<Response>;

/** A client whose network leads to one hook, which notes what it sees. */
export function hookClient(hook: Hook) {
  const clock = new SimulatedClock();
  const files = new MemoryFiles({ now: () => clock.now() });
  const seen: Seen[] = [];
  const opened: TransportOptions[] = [];
  const network: Network = (options) => {
    opened.push(options);
    return {
      fetch: async (url, init) => {
        const one = { url, headers: new Headers(init.headers), document: JSON.parse(String(init.body)) };
        seen.push(one);
        return await hook(one);
      },
      close() {},
    };
  };
  const random = seededRandom(1);
  const ended: boolean[] = [];
  const tripped: (string | undefined)[] = [];
  const options = {
    ended: (_: string, { isAnswered }: { isAnswered: boolean }) => void ended.push(isAnswered),
    tripped: (_: string, reason: string | undefined) => void tripped.push(reason),
  };
  const client = new HookClient({ files, clock, random, network }, options);
  return { client, clock, files, random, seen, opened, ended, tripped };
}
