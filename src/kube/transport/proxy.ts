/**
 * The proxy for connections to `server`; `undefined` if there is none. It is the one that was asked for (`--proxy`,
 * else the kubeconfig's `proxy-url`), else `HTTPS_PROXY` for an https server, else `HTTP_PROXY` (which the legacy
 * plug-in uses for either), in upper or lower case. A server that `NO_PROXY` names is always reached directly, because
 * native `fetch` does that in any case.
 */
export function chooseProxy(
  server: string,
  { asked, environment }: { asked: string | undefined; environment: Record<string, string | undefined> },
): string | undefined {
  const url = new URL(server);
  const read = (name: string) => environment[name] || environment[name.toLowerCase()] || undefined;
  const fromEnvironment = (url.protocol === "https:" ? read("HTTPS_PROXY") : undefined) ?? read("HTTP_PROXY") ??
    read("ALL_PROXY");
  const proxy = asked || fromEnvironment;
  if (proxy === undefined || matchesNoProxy(url, read("NO_PROXY") ?? "")) return undefined;
  return /^[a-z0-9]+:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
}

/** Entries are `*`, names (which include their subdomains), addresses and IPv4 ranges, each with or without a port. */
function matchesNoProxy(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return noProxy.split(",").map((entry) => entry.trim().toLowerCase()).filter(Boolean).some((entry) => {
    if (entry === "*") return true;
    if (entry.includes("/")) return inRange(host, entry);
    const [, name = entry, wantedPort] = /^(.*[^:]):(\d+)$/.exec(entry) ?? [];
    if (wantedPort !== undefined && !name.includes(":") && wantedPort !== port) return false;
    const bare = (name.includes(":") ? entry : name).replace(/^\[|\]$/g, "").replace(/^\*?\./, "");
    return host === bare || host.endsWith(`.${bare}`);
  });
}

function inRange(host: string, range: string): boolean {
  const [base = "", bits = ""] = range.split("/");
  const address = ipv4(host), network = ipv4(base), length = Number(bits);
  if (address === undefined || network === undefined || !(length >= 0 && length <= 32)) return false;
  const size = 2 ** (32 - length);
  return Math.floor(address / size) === Math.floor(network / size);
}

function ipv4(text: string): number | undefined {
  const parts = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
