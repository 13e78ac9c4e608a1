/** The known name that a wrong one was most likely meant to be, of several the first in order; none if nothing is near. */
export function nearestName(wrong: string, known: Iterable<string>): string | undefined {
  let best: { name: string; edits: number } | undefined;
  for (const name of known) {
    const edits = wrong.toLowerCase() === name.toLowerCase() ? 0 : editsBetween(wrong, name);
    const most = Math.max(1, Math.floor(Math.min(wrong.length, name.length) / 3));
    const isBetter = !best || edits < best.edits || (edits === best.edits && name < best.name);
    if (edits <= most && isBetter) best = { name, edits };
  }
  return best?.name;
}

/** How many letters have to be put in, left out, changed or swapped with the next (optimal string alignment distance). */
function editsBetween(one: string, other: string): number {
  let twoBack: number[] = [], before = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const isSame = one[i - 1] === other[j - 1];
      const isSwapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      row[j] = Math.min(before[j]! + 1, row[j - 1]! + 1, before[j - 1]! + (isSame ? 0 : 1));
      if (isSwapped) row[j] = Math.min(row[j]!, twoBack[j - 2]! + 1);
    }
    [twoBack, before] = [before, row];
  }
  return before[other.length]!;
}
