/**
 * True if two values of JSON are equal, in whatever order their fields are; a field that is `undefined` counts as
 * absent.
 */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (Array.isArray(one) || Array.isArray(other)) {
    return Array.isArray(one) && Array.isArray(other) && one.length === other.length &&
      one.every((entry, index) => isSame(entry, other[index]));
  }
  const fields: Record<string, unknown> = { ...other };
  for (const [name, value] of Object.entries(one)) {
    if (!isSame(value, fields[name])) return false;
    delete fields[name];
  }
  return Object.values(fields).every((value) => value === undefined);
}
