import { notGranted, unauthorized } from "../protocol/status.ts";
import type { Route } from "../protocol/route.ts";

/** Somebody who may come with a token. */
export interface User {
  name: string;
  token: string;
  /** What is granted, each a verb and a resource: `list pods`, `* nodes`, `create pods/eviction`. Absent: everything. */
  allow?: string[];
}

/** Who comes without a token, and may do nothing. */
const NOBODY: User = { name: "system:anonymous", token: "", allow: [] };

/** Who comes with which token, and what each may do. */
export class Access {
  readonly #users = new Map<string, User>();

  readonly #anonymous: User;

  /** @param options.anonymous what a client without a token counts as; default: as one who may do nothing */
  constructor(users: User[], { anonymous = NOBODY }: { anonymous?: User } = {}) {
    this.#anonymous = anonymous;
    for (const user of users) this.#users.set(user.token, user);
  }

  /** Adds a user, or changes what one may do; a token that is no longer valid is taken away by `revoke`. */
  grant(user: User): void {
    this.#users.set(user.token, user);
  }

  revoke(token: string): void {
    this.#users.delete(token);
  }

  /**
   * The user that a request comes from; without a token, the user that it counts as.
   * @throws ApiError 401 for a token that is not known
   */
  authenticate(headers: Headers): User {
    const header = headers.get("authorization");
    if (header === null) return this.#anonymous;
    const user = this.#users.get(header.replace(/^Bearer +/i, ""));
    if (!user) throw unauthorized();
    return user;
  }

  /** @throws ApiError 403 where the user is not granted it */
  authorize(user: User, route: Route): void {
    if (user.allow === undefined) return;
    const resource = route.subresource === "" ? route.resource : `${route.resource}/${route.subresource}`;
    const isGranted = user.allow.some((grant) => {
      const [verb, what] = grant.split(" ");
      return (verb === "*" || verb === route.verb) && (what === "*" || what === resource);
    });
    if (!isGranted) throw notGranted(user.name, { ...route, resource });
  }
}
