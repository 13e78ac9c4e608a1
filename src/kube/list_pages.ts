import { KubeError } from "./errors.ts";
import type { CallOptions, ListOptions, Source } from "./kube.ts";
import type { KubeList } from "./types.ts";

/** The most pages of a LIST: more objects than a cluster can hold. */
const MOST_PAGES = 10_000;

/**
 * The pages of one LIST, all with the state at the resource version of the first page.
 * @throws KubeError; EndlessList if it would never end
 */
export async function* listPages<T>(
  source: Source<T>,
  options: CallOptions & ListOptions & { signal: AbortSignal },
): AsyncGenerator<KubeList<T>, void, void> {
  const tokens = new Set<string>();
  for (let more: Pick<ListOptions, "continueToken"> = {};;) {
    const page = await source.list({ ...options, ...more });
    options.signal.throwIfAborted();
    yield page;
    const continueToken = page.metadata.continue;
    if (!continueToken) return;
    if (tokens.has(continueToken) || tokens.size >= MOST_PAGES) throw new EndlessList();
    tokens.add(continueToken);
    more = { continueToken };
  }
}

/** A LIST that repeats itself. */
export class EndlessList extends KubeError {
  constructor() {
    super("unavailable", "The list of the API server does not end: it repeats a continue token", {
      hint: "see what answers between here and the API server; it is asked for all in one page now",
    });
  }
}
