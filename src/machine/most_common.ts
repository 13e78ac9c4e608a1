/** The end of a reason that names the one machine's node. */
const ITS_NODE = / \(node [^()\s]+\)$/;

/** A reason without the node that it was on: the same text for machines that the same happened to. */
export function withoutNode(reason: string): string {
  return reason.replace(ITS_NODE, "");
}

/**
 * The reason that most of these are, the first of them if several are equally many; `undefined` if there are none. Reasons that
 * differ in their node alone are one, and that is then not named.
 */
export function mostCommon(reasons: Iterable<string>): { text: string; count: number } | undefined {
  const found = new Map<string, { text: string; count: number }>();
  for (const reason of reasons) {
    const key = withoutNode(reason);
    const same = found.get(key);
    if (same) found.set(key, { text: same.text === reason ? reason : key, count: same.count + 1 });
    else found.set(key, { text: reason, count: 1 });
  }
  let most: { text: string; count: number } | undefined;
  for (const one of found.values()) if (one.count > (most?.count ?? 0)) most = one;
  return most;
}
