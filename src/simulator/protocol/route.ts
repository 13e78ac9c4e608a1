import { badRequest } from "./status.ts";

/** What a request to the API is about, in the terms of RBAC and admission. */
export interface Route {
  verb: string;
  /** Empty for the core group and for non-resource requests. */
  group: string;
  /** `pods`, `nodes`, `namespaces`; empty if it is not a resource. */
  resource: string;
  subresource: string;
  /** Empty if the request has none. */
  namespace: string;
  name: string;
  path: string;
  query: URLSearchParams;
  /** Warnings to the client that go with the answer; more are added while the request is carried out. */
  warnings: string[];
}

/** The path prefix of each API group, in its only version. */
const GROUPS: [prefix: string, group: string][] = [
  ["/api/v1/", ""],
  ["/apis/coordination.k8s.io/v1/", "coordination.k8s.io"],
  ["/apis/rbac.authorization.k8s.io/v1/", "rbac.authorization.k8s.io"],
  ["/apis/apiextensions.k8s.io/v1/", "apiextensions.k8s.io"],
  ["/apis/hostfactory.symphony/v1/", "hostfactory.symphony"],
];

/** Reads a request's path and method. Does not check whether the resource exists. */
export function parseRoute(method: string, url: URL): Route {
  const route: Route = {
    verb: method.toLowerCase(),
    group: "",
    resource: "",
    subresource: "",
    namespace: "",
    name: "",
    path: url.pathname,
    query: url.searchParams,
    warnings: [],
  };
  const place = GROUPS.find(([prefix]) => url.pathname.startsWith(prefix) && url.pathname !== prefix);
  if (!place) return route;
  const [prefix, group] = place;
  route.group = group;
  let rest = url.pathname.slice(prefix.length).split("/").map(decode);
  if (rest[0] === "namespaces" && rest.length > 2) {
    route.namespace = rest[1]!;
    rest = rest.slice(2);
  }
  route.resource = rest[0]!;
  route.name = rest[1] ?? "";
  route.subresource = rest.slice(2).join("/");
  route.verb = verbOf(method, route);
  return route;
}

function verbOf(method: string, { name, query }: Route): string {
  switch (method) {
    case "GET":
    case "HEAD":
      if (name !== "") return "get";
      return isSet(query, "watch") ? "watch" : "list";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return name === "" ? "deletecollection" : "delete";
    default:
      return method.toLowerCase();
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A whole number from a query; `undefined` if it is absent. @throws ApiError 400 if it is not a whole number */
export function integerParameter(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === "") return undefined;
  if (!/^-?\d+$/.test(value)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  return Number(value);
}

/** True if a parameter of a query is set to true. */
export function isSet(query: URLSearchParams, name: string): boolean {
  return ["1", "true"].includes(query.get(name) ?? "");
}
