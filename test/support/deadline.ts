/** A slow machine gets this many times longer for everything. */
const patience = Number(Deno.env.get("HF_TEST_PATIENCE") ?? "1");

/**
 * Looks again and again until it finds something. Its patience costs nothing where that comes: it is made for machines that are
 * slow and busy.
 * @param what what is waited for, for the message
 * @param look gives what was found, or nothing; what it throws becomes part of the message at the deadline
 * @throws if nothing was found in time
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  options: { seconds?: number; everyMs?: number } = {},
): Promise<T> {
  const { seconds = 200, everyMs = 60 } = options;
  const deadline = performance.now() + seconds * 1_000 * patience;
  let last: unknown;
  while (true) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`Not within ${seconds * patience} s: ${what}`, last === undefined ? {} : { cause: last });
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
