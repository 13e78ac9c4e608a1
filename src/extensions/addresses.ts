import type { GuardedAddress } from "./extension.ts";

/**
 * True for an address that no hook may point to unless its registration allows it: the host itself, and the links that
 * metadata services of clouds are on. IPv4 in IPv6 counts as the IPv4 address; what is no address is guarded.
 */
export function isGuarded(address: string, { allowed }: { allowed: readonly GuardedAddress[] }): boolean {
  const kind = kindOf(address);
  return kind !== "other" && !(kind !== "unusable" && allowed.includes(kind));
}

function kindOf(address: string): GuardedAddress | "unusable" | "other" {
  const text = address.toLowerCase().replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(text)?.[1] ?? text;
  const parts = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(mapped)?.slice(1).map(Number);
  if (parts) return ofIPv4(parts);
  if (!text.includes(":")) return "unusable";
  const groups = groupsOf(text);
  if (groups.length !== 8) return "unusable";
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const [high = 0, low = 0] = groups.slice(6);
    return ofIPv4([high >> 8, high & 0xff, low >> 8, low & 0xff]);
  }
  if (groups.slice(0, 7).every((group) => group === 0)) return (groups[7] ?? 0) <= 1 ? "loopback" : "other";
  return ((groups[0] ?? 0) & 0xffc0) === 0xfe80 ? "link-local" : "other";
}

function ofIPv4([first = 0, second = 0]: number[]): GuardedAddress | "other" {
  if (first === 127 || first === 0) return "loopback";
  return first === 169 && second === 254 ? "link-local" : "other";
}

function groupsOf(text: string): number[] {
  const [before = "", after] = text.split("::");
  const parse = (part: string) => part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
  const [head, tail] = [parse(before), parse(after ?? "")];
  return after === undefined ? head : [...head, ...new Array(8 - head.length - tail.length).fill(0), ...tail];
}
