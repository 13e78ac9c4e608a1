/**
 * A number from 0 up to, not including, 1 that belongs to an object for good, so that a share of all objects can be told apart
 * without remembering it (FNV-1a, mixed as MurmurHash3 does at its end).
 * @param salt whoever wants another share of the same objects gives another one
 */
export function fractionOf(uid: string, salt: string): number {
  let hash = 0x811c9dc5;
  for (const character of `${salt}/${uid}`) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000;
}
