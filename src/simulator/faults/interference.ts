import type { Clock } from "../../clock.ts";
import { integerBetween, type Random } from "../../random.ts";
import type { FaultSet } from "./fault_set.ts";
import type { FaultOf } from "./faults.ts";
import type { Route } from "../protocol/route.ts";
import {
  type ApiError,
  internalError,
  notGranted,
  serviceUnavailable,
  timeout,
  tooManyRequests,
  unauthorized,
} from "../protocol/status.ts";

const WRITES_THAT_MATTER = ["create", "delete"];

/** Thrown instead of an answer if the connection breaks. It is a TypeError, like the error of `fetch` in that case. */
export class ConnectionLost extends TypeError {
  override readonly name = "ConnectionLost";

  constructor() {
    super("connection closed before message completed");
  }
}

/** Applies faults to requests before they are carried out, and to their answers. */
export class Interference {
  readonly #faults: FaultSet;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor({ faults, clock, random }: { faults: FaultSet; clock: Clock; random: Random }) {
    this.#faults = faults;
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Called before a request is carried out.
   * @throws ConnectionLost
   * @throws ApiError in the API server's words for the fault
   */
  async before(route: Route, signal: AbortSignal): Promise<void> {
    const slow = this.#faults.strike("slow", route);
    if (slow) {
      await this.#clock.sleep(slow.latencyMs + integerBetween(this.#random, 0, Math.floor(slow.jitterMs)), signal);
    }
    if (this.#faults.strike("lost-requests", route)) throw new ConnectionLost();
    if (this.#faults.strike("unauthorised", route)) throw unauthorized();
    const failing = this.#faults.strike("failing", route);
    if (failing) throw failure(failing);
  }

  /** @throws ApiError 403 */
  authorize(user: string, route: Route): void {
    const verbs = ["create"];
    if (route.resource !== "" && this.#faults.strike("forbidden", route, { verbs })) throw notGranted(user, route);
  }

  /** How far the `Date` header of an answer is ahead of the cluster's time, in milliseconds. */
  clockAheadMs(route: Route): number {
    return this.#faults.strike("clock-ahead", route)?.aheadMs ?? 0;
  }

  /** Called after a request was carried out. @throws ConnectionLost */
  after(route: Route): void {
    if (this.#faults.strike("lost-answers", route, { verbs: WRITES_THAT_MATTER })) throw new ConnectionLost();
  }
}

function failure({ status, message, retryAfterSeconds }: FaultOf<"failing">): ApiError {
  switch (status) {
    case 429:
      return tooManyRequests(message ?? "Too many requests, please try again later.", retryAfterSeconds ?? 1);
    case 503:
      return serviceUnavailable(message ?? "the server is currently unable to handle the request", retryAfterSeconds);
    case 504:
      return timeout(
        message ?? "request did not complete within requested timeout - context deadline exceeded",
        retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
      );
    default:
      return internalError(message ?? "etcdserver: request timed out");
  }
}
