import type { Clock } from "../../clock.ts";
import { integerBetween, type Random } from "../../random.ts";
import { JSON_HEADERS, jsonAnswer, wantsTable } from "./answers.ts";
import type { FaultSet } from "../faults/fault_set.ts";
import { parseFieldSelector } from "../protocol/field_selector.ts";
import { fractionOf } from "../behaviour/fraction.ts";
import { parseLabelSelector } from "../protocol/label_selector.ts";
import { expiredToken, firstToken, listPage, type ListRequest, notANumber, type Page } from "./listing.ts";
import type { Resource } from "../objects/resources.ts";
import { integerParameter, isSet, type Route } from "../protocol/route.ts";
import { ApiError, expired, notFound } from "../protocol/status.ts";
import type { Stored } from "../store/stored.ts";
import { tableOf } from "./table.ts";
import type { WatchCache } from "../store/watch_cache.ts";
import type { Watches } from "./watching.ts";

/** Reads of any resource, with the faults that belong to them. */
export class Collections {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #faults: FaultSet;
  readonly #watches: Watches;

  constructor(options: { clock: Clock; random: Random; faults: FaultSet; watches: Watches }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#faults = options.faults;
    this.#watches = options.watches;
  }

  /** A list or a watch, whichever the request is for. */
  answer<T extends Stored>(resource: Resource<T>, { route, request }: { route: Route; request: Request }): Response {
    const isTable = wantsTable(request);
    const selection = this.select(resource, route);
    const { kind, apiVersion } = resource;
    if (route.verb === "watch") {
      const show = (object: T) => isTable ? tableOf(kind, [object], {}, this.#clock.now()) : object;
      return this.#watch(resource, { ...selection, show, route, request });
    }
    const { metadata, items } = this.#list(resource, selection, route);
    if (isTable) return jsonAnswer(200, tableOf(kind, items, metadata, this.#clock.now()));
    return jsonAnswer(200, { kind: `${kind}List`, apiVersion, metadata, items });
  }

  /**
   * The current state of one object, or a past one if a fault makes reads stale.
   * @throws ApiError 404 if there is none, or a fault hides it
   */
  get<T extends Stored>(resource: Resource<T>, route: Route): T {
    const { store, name: resourceName } = resource;
    const { namespace, name } = route;
    const revision = this.#staleRevision(store.cache, route);
    const object = revision === undefined
      ? store.get(namespace, name)
      : store.cache.at(revision).find(({ metadata }) =>
        metadata.name === name && (metadata.namespace ?? "") === namespace
      );
    if (!object || this.#isHidden(resource, route)(object)) throw notFound(resourceName, name);
    return object;
  }

  /** What a request selects. */
  select<T extends Stored>({ store: { cache }, fields }: Resource<T>, route: Route): ListRequest<T> {
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
      cache,
      namespace,
      selects: (object) =>
        (namespace === "" || object.metadata.namespace === namespace) &&
        (!isSelective || (byLabel(object.metadata.labels) && byField(object))),
      isSelective,
      limit: small ? Math.min(limit, small.items) : limit,
      continueToken,
      resourceVersion: query.get("resourceVersion") ?? "",
      match: query.get("resourceVersionMatch") ?? "",
      staleRevision: this.#staleRevision(cache, route),
    };
  }

  /** One page of a list, distorted by faults. */
  #list<T extends Stored>(resource: Resource<T>, selection: ListRequest<T>, route: Route): Page<T> {
    const isFirst = selection.continueToken === "";
    if (isFirst && this.#faults.strike("empty-lists", route, { resources: ["pods"] })) {
      return listPage({ ...selection, selects: () => false });
    }
    const isHidden = this.#isHidden(resource, route);
    const isMissing = this.#isMissing(route);
    const selects = (object: T) => selection.selects(object) && !isHidden(object) && !isMissing(object);
    const page = listPage({ ...selection, selects });
    if (selection.limit > 0 && this.#faults.strike("repeated-pages", route)) {
      const { resourceVersion, continue: next } = page.metadata;
      page.metadata.continue = isFirst
        ? next ?? firstToken(selection, Number(resourceVersion))
        : selection.continueToken;
    }
    return page;
  }

  /** Selects the objects that a fault omits from a list. */
  #isMissing(route: Route): (object: Stored) => boolean {
    const fault = this.#faults.strike("partial-lists", route);
    if (!fault) return () => false;
    const salt = fault.id ?? fault.name;
    return ({ metadata }) => fractionOf(metadata.uid!, salt) < fault.missing;
  }

  /** Selects the objects that faults hide at this moment. */
  #isHidden({ kind }: { kind: string }, route: Route): (object: Stored) => boolean {
    const hiding = kind === "Pod" ? this.#faults.applying("hidden-pods", route) : [];
    return ({ metadata }) => hiding.some(({ id, fault: { share = 1 } }) => fractionOf(metadata.uid!, id) < share);
  }

  /** The revision to read at if a fault makes reads stale. */
  #staleRevision<T extends Stored>(cache: WatchCache<T>, route: Route): number | undefined {
    const stale = this.#faults.strike("stale-reads", route, { verbs: ["get", "list"] });
    return stale && cache.revisionAt(this.#clock.now() - stale.ageMs);
  }

  #watch<T extends Stored>(
    resource: Resource<T>,
    { cache, selects, show, route, request }: ListRequest<T> & {
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
    const tooOld = expired(`too old resource version: ${given} (${cache.revision})`);
    if (fault?.how === "status") throw tooOld;
    if (fault) {
      return new Response(JSON.stringify({ type: "ERROR", object: tooOld.status }) + "\n", { headers: JSON_HEADERS });
    }
    // If the client does not say, half an hour to an hour, as with the real API server.
    const timeoutSeconds = integerParameter(query, "timeoutSeconds") || integerBetween(this.#random, 1800, 3600);
    const unstreamed = this.#faults.strike("unstreamed-watches", route);
    const watch = this.#watches.open(route.path, {
      cache,
      kind: resource.kind,
      apiVersion: resource.apiVersion,
      selects,
      hides: (object) => this.#isHidden(resource, route)(object),
      show,
      resourceVersion,
      bookmarks: isSet(query, "allowWatchBookmarks"),
      timeoutMs: timeoutSeconds * 1000,
      isSilent: unstreamed !== undefined,
      signal: request.signal,
    });
    if (unstreamed?.how === "at-once") watch.end();
    if (this.#faults.strike("half-open-watches", route)) watch.silent = true;
    return new Response(watch.body, { headers: JSON_HEADERS });
  }
}
