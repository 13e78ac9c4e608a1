import type { GuardedAddress } from "./extension.ts";

/**
 * The guarded range that a host is in; `undefined` if it is in none. The host is an IP address in any notation that a
 * URL allows, or a name that always leads to this machine (RFC 6761). An IPv6 address that contains an IPv4 address
 * counts as the latter: mapped (RFC 4291), compatible, or behind NAT64 (RFC 6052).
 * @param host in the form of `URL.hostname`, or an address in the form in which the network reports it
 */
export function guardedAddress(host: string): GuardedAddress | undefined {
  const hostname = normalised(host);
  if (/^(.+\.)?localhost\.?$/.test(hostname)) return "loopback";
  if (hostname.startsWith("[")) return guardedV6(groupsOf(hostname.slice(1, -1)));
  if (/^\d+\.\d+\.\d+\.\d+$/.test(hostname)) return guardedV4(hostname.split(".").map(Number));
  return undefined;
}

function normalised(host: string): string {
  const address = host.replace(/%.*$/, "");
  const written = address.includes(":") && !address.startsWith("[") ? `[${address}]` : address;
  return URL.parse(`http://${written}`)?.hostname ?? address.toLowerCase();
}

function guardedV4([first, second]: number[]): GuardedAddress | undefined {
  // A connection to 0.0.0.0 leads to this machine.
  if (first === 127 || first === 0) return "loopback";
  return first === 169 && second === 254 ? "link-local" : undefined;
}

/** The first six groups of IPv6 addresses whose last two groups are an IPv4 address. */
const V4_PREFIXES = ["0,0,0,0,0,65535", "0,0,0,0,65535,0", "0,0,0,0,0,0", "100,65435,0,0,0,0"];

function guardedV6(groups: number[]): GuardedAddress | undefined {
  const [first = 0, , , , , , seventh = 0, eighth = 0] = groups;
  if (groups.slice(0, 7).every((group) => group === 0) && eighth <= 1) return "loopback";
  if ((first & 0xffc0) === 0xfe80) return "link-local";
  const holdsV4 = V4_PREFIXES.includes(groups.slice(0, 6).join());
  return holdsV4 ? guardedV4([seventh >> 8, seventh & 0xff]) : undefined;
}

/** The eight groups of an address in the form of URLs: hexadecimal, with `::` at most once. */
function groupsOf(address: string): number[] {
  const [before = "", after] = address.split("::");
  const numbers = (text: string) => text === "" ? [] : text.split(":").map((group) => parseInt(group, 16));
  const [head, tail] = [numbers(before), numbers(after ?? "")];
  return [...head, ...Array(8 - head.length - tail.length).fill(0), ...tail];
}
