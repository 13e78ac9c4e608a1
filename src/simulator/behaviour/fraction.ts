/**
 * A fixed number from 0 up to, not including, 1 for each object, to select a share of all objects without remembering
 * which (FNV-1a, with the final mix of MurmurHash3).
 * @param salt another salt selects other objects
 */
export function fractionOf(uid: string, salt: string): number {
  let hash = 0x811c9dc5;
  for (const character of `${salt}/${uid}`) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000;
}
