/**
 * True if arrays and objects are nested more than `levels` deep: writing such a document may take practically for ever.
 */
export function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((below) => isDeeperThan(levels - 1, below));
}
