import type { Clock } from "../clock.ts";
import type { Pod } from "../kube/types.ts";
import { integerBetween, type Random } from "../random.ts";
import { JSON_HEADERS, jsonAnswer, wantsTable } from "./answers.ts";
import type { FaultSet } from "./fault_set.ts";
import { parseFieldSelector, type SelectableFields } from "./field_selector.ts";
import { parseLabelSelector } from "./label_selector.ts";
import { expiredToken, listPage, type ListRequest, notANumber } from "./listing.ts";
import { integerParameter, isSet, type Route } from "./route.ts";
import { ApiError, expired } from "./status.ts";
import type { Store, Stored } from "./store.ts";
import { tableOf } from "./table.ts";
import type { Watches } from "./watching.ts";

/** A resource of which there can be many. */
export interface Collection<T extends Stored> {
  kind: string;
  store: Store<T>;
  fields: SelectableFields<T>;
}

/** Lists and watches of any resource, with the faults that belong to them. */
export class Collections {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #faults: FaultSet;
  readonly #watches: Watches;
  readonly #pods: Store<Pod>;

  constructor(
    options: { clock: Clock; random: Random; faults: FaultSet; watches: Watches; pods: Store<Pod> },
  ) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#faults = options.faults;
    this.#watches = options.watches;
    this.#pods = options.pods;
  }

  /** A list or a watch, whichever the request is for. */
  answer<T extends Stored>(
    collection: Collection<T>,
    { route, request }: { route: Route; request: Request },
  ): Response {
    const isTable = wantsTable(request);
    const selection = this.select(collection, route);
    const { kind } = collection;
    if (route.verb === "watch") {
      const show = (object: T) => isTable ? tableOf(kind, [object], {}, this.#clock.now()) : object;
      return this.#watch(kind, { ...selection, show, route, request });
    }
    const { metadata, items } = listPage(selection);
    if (isTable) return jsonAnswer(200, tableOf(kind, items, metadata, this.#clock.now()));
    return jsonAnswer(200, { kind: `${kind}List`, apiVersion: "v1", metadata, items });
  }

  /** What a request selects. */
  select<T extends Stored>({ store, fields }: Collection<T>, route: Route): ListRequest<T> {
    const { query, namespace } = route;
    const labelSelector = query.get("labelSelector") ?? "";
    const fieldSelector = query.get("fieldSelector") ?? "";
    const byLabel = parseLabelSelector(labelSelector);
    const byField = parseFieldSelector(fieldSelector, fields);
    const continueToken = query.get("continue") ?? "";
    if (continueToken !== "" && this.#faults.strike("expired-pages", route)) throw expiredToken(continueToken);
    const limit = integerParameter(query, "limit") ?? 0;
    const small = limit > 0 ? this.#faults.strike("small-pages", route, { verbs: ["list"] }) : undefined;
    const isSelective = labelSelector !== "" || fieldSelector !== "";
    return {
      store,
      namespace,
      selects: (object) =>
        (namespace === "" || object.metadata.namespace === namespace) &&
        (!isSelective || (byLabel(object.metadata.labels) && byField(object))),
      isSelective,
      limit: small ? Math.min(limit, small.items) : limit,
      continueToken,
      resourceVersion: query.get("resourceVersion") ?? "",
      match: query.get("resourceVersionMatch") ?? "",
      staleRevision: this.staleRevision(route),
    };
  }

  /** The revision that a read is answered from where a fault makes it stale. */
  staleRevision(route: Route): number | undefined {
    const stale = this.#faults.strike("stale-reads", route, { verbs: ["get", "list"] });
    return stale && this.#pods.revisionAt(this.#clock.now() - stale.ageMs);
  }

  #watch<T extends Stored>(
    kind: string,
    { store, selects, show, route, request }: ListRequest<T> & {
      show: (object: T) => unknown;
      route: Route;
      request: Request;
    },
  ): Response {
    const { query } = route;
    const given = query.get("resourceVersion") ?? "";
    if (given !== "" && !/^\d+$/.test(given)) throw new ApiError(500, notANumber(given));
    const resourceVersion = given === "" ? undefined : Number(given);
    const fault = resourceVersion ? this.#faults.strike("expired-watches", route) : undefined;
    const tooOld = expired(`too old resource version: ${given} (${store.revision})`);
    if (fault?.how === "status") throw tooOld;
    if (fault) {
      return new Response(JSON.stringify({ type: "ERROR", object: tooOld.status }) + "\n", { headers: JSON_HEADERS });
    }
    // As the real one: half an hour to an hour where the client does not say.
    const timeoutSeconds = integerParameter(query, "timeoutSeconds") || integerBetween(this.#random, 1800, 3600);
    const watch = this.#watches.open(route.path, {
      store,
      kind,
      selects,
      show,
      resourceVersion,
      bookmarks: isSet(query, "allowWatchBookmarks"),
      timeoutMs: timeoutSeconds * 1000,
      signal: request.signal,
    });
    if (this.#faults.strike("half-open-watches", route)) watch.silent = true;
    return new Response(watch.body, { headers: JSON_HEADERS });
  }
}
