/** A slow machine gets this many times longer for everything. */
const patience = Number(Deno.env.get("HF_TEST_PATIENCE") ?? "1");

/** How soon it is looked again, in milliseconds. */
const SOON_MS = 60;

/** The part of the time waited so far that is let pass before a look that starts a process, or calls the cluster. */
const SHARE = 0.25;

/** The longest that is let pass before such a look, in milliseconds. */
const LONGEST_MS = 1_500;

/**
 * Looks again and again until it finds something. Its patience costs nothing where that comes: it is made for machines that are
 * slow and busy.
 * @param what what is waited for, for the message
 * @param look gives what was found, or nothing; what it throws becomes part of the message at the deadline
 * @param options `everyMs`: how often it looks. By default every 60 ms; where looks are asynchronous, less and less often
 * @throws if nothing was found in time
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  options: { seconds?: number; everyMs?: number } = {},
): Promise<T> {
  const { seconds = 200, everyMs } = options;
  const beganMs = performance.now();
  const deadline = beganMs + seconds * 1_000 * patience;
  let last: unknown;
  while (true) {
    let isCheap = true;
    try {
      const looking = look();
      isCheap = !(looking instanceof Promise);
      const found = await looking;
      if (found !== undefined && found !== false) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`Not within ${seconds * patience} s: ${what}`, last === undefined ? {} : { cause: last });
    }
    const waitedMs = performance.now() - beganMs;
    const laterMs = isCheap ? SOON_MS : Math.max(SOON_MS, Math.min(waitedMs * SHARE, LONGEST_MS));
    await new Promise((resolve) => setTimeout(resolve, everyMs ?? laterMs));
  }
}
