import type { Clock } from "../../clock.ts";
import type { Random } from "../../random.ts";
import { decodePatched, parseObject } from "../protocol/body.ts";
import { patched } from "../protocol/patch.ts";
import type { Route } from "../protocol/route.ts";
import { alreadyExists, ApiError, badRequest, invalid, modified, notFound, qualified } from "../protocol/status.ts";
import { drawSuffix, drawUid } from "../store/identifier.ts";
import type { Store } from "../store/store.ts";
import { isSame } from "../protocol/same_value.ts";
import { timestamp } from "../store/timestamp.ts";
import type { Namespaces } from "./namespaces.ts";
import { validateMetadata } from "./pod_validation.ts";
import { checkPreconditions, type Preconditions } from "./preconditions.ts";
import { applied, type ApplyRequest } from "./server_side_apply.ts";
import { faultsBySchema, schemaOf } from "./custom_schema.ts";
import { DEFINITIONS, resourceName, type StoredKind, storedKinds, type StoredObject } from "./stored_kinds.ts";

/**
 * The operations of the API on objects of a kind that is only stored. Each takes effect at once, or throws an ApiError.
 */
export class StoredOperations {
  readonly kind: StoredKind;
  readonly store: Store<StoredObject>;
  readonly #definitions: Store<StoredObject>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #namespaces: Namespaces;

  constructor(
    options: {
      kind: StoredKind;
      store: Store<StoredObject>;
      /** The CustomResourceDefinitions. */
      definitions: Store<StoredObject>;
      clock: Clock;
      random: Random;
      namespaces: Namespaces;
    },
  ) {
    this.kind = options.kind;
    this.store = options.store;
    this.#definitions = options.definitions;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#namespaces = options.namespaces;
  }

  /** False of a custom resource that is not defined. */
  get isDefined(): boolean {
    return this.kind.definedBy === undefined || this.#definition !== undefined;
  }

  create(body: string, route: Route): StoredObject {
    return this.#create(this.#read(body, route), route);
  }

  update(body: string, route: Route): StoredObject {
    const given = this.#read(body, route);
    const { name } = given.metadata;
    if (name !== route.name) {
      throw badRequest(`the name of the object (${name}) does not match the name on the URL (${route.name})`);
    }
    return this.#replace(this.#get(route), given, route);
  }

  patch(body: string, route: Route, contentType: string): StoredObject {
    const { kind } = this.kind;
    const object = this.#get(route);
    return this.#replace(
      object,
      decodePatched(kind, patched(object, body, { contentType, kind }), { target: object, route }),
      route,
    );
  }

  /** Server-side apply. */
  apply(request: ApplyRequest, route: Route): { object: StoredObject; isNew: boolean } {
    const { kind } = this.kind;
    const known = this.store.get(route.namespace, route.name);
    const next = decodePatched(kind, applied(kind, known, { ...request, now: this.#clock.now() }), {
      target: known,
      route,
    });
    return known
      ? { object: this.#replace(known, next, route), isNew: false }
      : { object: this.#create(next, route), isNew: true };
  }

  delete(route: Pick<Route, "namespace" | "name">, preconditions: Preconditions = {}): StoredObject {
    const object = this.#get(route);
    checkPreconditions(object, this.#qualifiedKind, preconditions);
    return this.store.remove(object);
  }

  get #definition(): StoredObject | undefined {
    return this.#definitions.get("", this.kind.definedBy ?? "");
  }

  get #qualifiedKind(): string {
    return qualified(this.kind.kind, this.kind.group);
  }

  #get({ namespace, name }: Pick<Route, "namespace" | "name">): StoredObject {
    const object = this.store.get(namespace, name);
    if (!object) throw notFound(resourceName(this.kind), name);
    return object;
  }

  #read(body: string, route: Route): StoredObject {
    const object = parseObject(body, this.kind.kind, { route, group: this.kind.group.split(".")[0] || "core" });
    const { namespace } = object.metadata;
    if (namespace && namespace !== route.namespace) {
      throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
    }
    return object;
  }

  #create({ kind: _kind, apiVersion: _apiVersion, ...given }: StoredObject, { namespace }: Route): StoredObject {
    const { resourceVersion, generateName } = given.metadata;
    if (this.kind.hasStatus) delete given["status"];
    const name = given.metadata.name || (generateName ? generateName + drawSuffix(this.#random) : "");
    const resource = resourceName(this.kind);
    if (namespace !== "") this.#namespaces.requireActive(namespace, { resource, name });
    const object = {
      ...this.kind.defaults,
      ...given,
      metadata: {
        ...given.metadata,
        name,
        ...(namespace === "" ? {} : { namespace }),
        uid: drawUid(this.#random),
        creationTimestamp: timestamp(this.#clock.now()),
      },
    };
    this.#check(object, undefined);
    if (resourceVersion) throw new ApiError(500, "resourceVersion should not be set on objects to be created");
    if (this.store.get(namespace, name)) throw alreadyExists(resource, name);
    return this.store.put(object);
  }

  #replace(
    object: StoredObject,
    { kind: _kind, apiVersion: _apiVersion, ...asked }: StoredObject,
    { subresource }: Pick<Route, "subresource">,
  ): StoredObject {
    const given = this.#kept(object, asked, { subresource });
    const { name = "", namespace, uid, creationTimestamp, resourceVersion } = object.metadata;
    const version = asked.metadata.resourceVersion;
    if (version && version !== resourceVersion) throw modified(resourceName(this.kind), name);
    const fixed = {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid: uid!,
      creationTimestamp: creationTimestamp!,
      resourceVersion: resourceVersion!,
    };
    if (asked.metadata.uid !== undefined && asked.metadata.uid !== uid) {
      if (this.kind.hasStatus) throw modified(resourceName(this.kind), name);
      const message = `Invalid value: "${asked.metadata.uid}": field is immutable`;
      const causes = [{ reason: "FieldValueInvalid", message, field: "metadata.uid" }];
      throw invalid(this.#qualifiedKind, { name, causes });
    }
    const next = { ...this.kind.defaults, ...given, metadata: { ...given.metadata, ...fixed } };
    this.#check(next, object);
    // An update that changes nothing is not stored.
    return isSame(next, object) ? object : this.store.put(next);
  }

  /** The object after an update, if its status is a subresource: only the status changes, or everything else. */
  #kept(object: StoredObject, asked: StoredObject, { subresource }: Pick<Route, "subresource">): StoredObject {
    if (!this.kind.hasStatus) return asked;
    const [whole, status] = subresource === "status" ? [object, asked["status"]] : [asked, object["status"]];
    const { status: _, ...rest } = whole;
    return { ...rest, metadata: whole.metadata, ...(status === undefined ? {} : { status }) };
  }

  #check(object: StoredObject, before: StoredObject | undefined): void {
    const causes = [...validateMetadata(object), ...this.kind.validate?.(object, before) ?? []];
    if (this.#definition) causes.push(...faultsBySchema(object, schemaOf(this.#definition)));
    if (causes.length > 0) throw invalid(this.#qualifiedKind, { name: object.metadata.name ?? "", causes });
  }
}

/**
 * For every kind that is only kept, by resource, qualified with its group.
 * @param parts `others`: the stores, likewise
 */
export function storedOperationsOf(
  { others, ...parts }: {
    others: Map<string, Store<StoredObject>>;
    clock: Clock;
    random: Random;
    namespaces: Namespaces;
  },
): Map<string, StoredOperations> {
  const definitions = others.get(DEFINITIONS)!;
  return new Map(storedKinds.map((kind) => {
    const name = resourceName(kind);
    return [name, new StoredOperations({ ...parts, kind, store: others.get(name)!, definitions })];
  }));
}
