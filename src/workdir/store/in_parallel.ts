/**
 * Calls under way at once, at most. Each needs a thread of the runtime, which has 32 (measured, Deno 2.6.8): half of them
 * stay free for others, such as looking up the API server's name, should the file system not answer.
 */
const MOST_UNDER_WAY = 16;

/** Calls `act` with each item, some at a time. @throws the first error, once no call is under way any more */
export async function inParallel<T>(items: Iterable<T>, act: (item: T) => Promise<void>): Promise<void> {
  const all = [...items];
  const left = all.values();
  const errors: unknown[] = [];
  const work = async () => {
    for (let next = left.next(); !next.done; next = left.next()) {
      try {
        await act(next.value);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(MOST_UNDER_WAY, all.length) }, work));
  if (errors.length > 0) throw errors[0];
}
