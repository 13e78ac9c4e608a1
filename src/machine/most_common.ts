/** The text that most of these are, the first of them if several are equally many; `undefined` if there are none. */
export function mostCommon(texts: Iterable<string>): { text: string; count: number } | undefined {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  let most: { text: string; count: number } | undefined;
  for (const [text, count] of counts) if (count > (most?.count ?? 0)) most = { text, count };
  return most;
}
