/**
 * True if a request that names this host asks for us: by an IP address, as localhost, or by the name that we listen on. A name
 * that a page had resolve to this host (DNS rebinding) is none of ours; an address cannot be had so.
 * @param host as the header `Host` has it, perhaps with a port
 */
export function isOwnHost(host: string, hostname: string): boolean {
  const [, name = ""] = /^(\[[\da-f:.]+\]|[^:[\]]+)(?::\d+)?$/.exec(host.toLowerCase()) ?? [];
  return name.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(name) || name === "localhost" ||
    name === hostname.toLowerCase();
}
