/** True if arrays and objects lie in one another more levels deep: to write such a document takes time without end. */
export function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((below) => isDeeperThan(levels - 1, below));
}
