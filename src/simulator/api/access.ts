import { badRequest, notGranted, unauthorized } from "../protocol/status.ts";
import type { Route } from "../protocol/route.ts";

/** A user of the API server. */
export interface User {
  name: string;
  token: string;
  /**
   * What is granted; each entry is a verb and a resource: `list pods`, `* nodes`, `create pods/eviction`. Absent:
   * everything.
   */
  allow?: string[];
}

/** The user of requests without a token, who may do nothing. */
const NOBODY: User = { name: "system:anonymous", token: "", allow: [] };

/** The users by token, and what each may do. */
export class Access {
  readonly #users = new Map<string, User>();

  readonly #anonymous: User;

  /** @param options `anonymous`: the user of clients without a token; default: one who may do nothing */
  constructor(users: User[], { anonymous = NOBODY }: { anonymous?: User } = {}) {
    this.#anonymous = anonymous;
    for (const user of users) this.#users.set(user.token, user);
  }

  /** Adds a user, or changes what a user may do. A token that is no longer valid is removed by `revoke`. */
  grant(user: User): void {
    this.#users.set(user.token, user);
  }

  revoke(token: string): void {
    this.#users.delete(token);
  }

  /**
   * The user of a request; without a token, the anonymous user.
   * @throws ApiError 401 for an unknown token
   */
  authenticate(headers: Headers): User {
    const header = headers.get("authorization");
    if (header === null) return this.#anonymous;
    const user = this.#users.get(header.replace(/^Bearer +/i, ""));
    if (!user) throw unauthorized();
    return user;
  }

  /** @throws ApiError 403 if that is not granted to the user */
  authorize(user: User, route: Route): void {
    const resource = route.subresource === "" ? route.resource : `${route.resource}/${route.subresource}`;
    if (!this.allows(user, { verb: route.verb, resource })) throw notGranted(user.name, { ...route, resource });
  }

  /** Whether the user is granted a verb on a resource such as `pods` or `pods/eviction`. */
  allows({ allow }: User, asked: { verb: string; resource: string }): boolean {
    return allow?.some((grant) => {
      const [verb, resource] = grant.split(" ");
      return (verb === "*" || verb === asked.verb) && (resource === "*" || resource === asked.resource);
    }) ?? true;
  }

  /** Answers a SelfSubjectAccessReview: whether the user may do what it names. */
  review(user: User, body: string): object {
    let review: Record<string, unknown>;
    try {
      review = JSON.parse(body);
    } catch {
      throw badRequest("the object provided is unrecognized");
    }
    const { resourceAttributes } = (review["spec"] ?? {}) as { resourceAttributes?: Partial<Route> };
    const { verb = "", resource = "" } = resourceAttributes ?? {};
    return { ...review, status: { allowed: this.allows(user, { verb, resource }) } };
  }
}

/** True for a request that asks what its user may do. */
export function isAccessReview({ verb, path }: Route): boolean {
  return verb === "post" && path === "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
}
