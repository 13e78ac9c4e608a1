/** True if a resource version is older than a known one; false if they are not numbers (source: "Resource versions"). */
export function isOlder(version: string | undefined, known: string | undefined): boolean {
  return Number(version) < Number(known);
}
