import type { Clock } from "../../clock.ts";
import type { Lease } from "../../kube/types.ts";
import type { Random } from "../../random.ts";
import { decodePatched, parseObject } from "../protocol/body.ts";
import { drawSuffix, drawUid } from "../store/identifier.ts";
import { readLeaseSpec, validateLeaseSpec } from "./lease_spec.ts";
import type { Namespaces } from "./namespaces.ts";
import { patched } from "../protocol/patch.ts";
import { validateMetadata } from "./pod_validation.ts";
import { checkPreconditions, type Preconditions } from "./preconditions.ts";
import type { Route } from "../protocol/route.ts";
import { alreadyExists, ApiError, badRequest, conflict, invalid, modified, notFound } from "../protocol/status.ts";
import type { Store } from "../store/store.ts";
import { isSame } from "../protocol/same_value.ts";
import type { Stored } from "../store/stored.ts";
import { timestamp } from "../store/timestamp.ts";

/** A lease in the store always has a spec. */
export interface StoredLease extends Stored {
  spec: NonNullable<Lease["spec"]>;
}

/** The resource and the kind, as errors name them. */
export const LEASES = "leases.coordination.k8s.io";
const KIND = "Lease.coordination.k8s.io";

type LeaseKey = Pick<Route, "namespace" | "name">;
type LeaseRequest = Pick<Route, "namespace" | "query" | "warnings">;

/** The operations of the API on leases. Each takes effect completely and at once, or throws an ApiError. */
export class LeaseOperations {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #leases: Store<StoredLease>;
  readonly #namespaces: Namespaces;

  constructor(
    options: { clock: Clock; random: Random; leases: Store<StoredLease>; namespaces: Namespaces },
  ) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#leases = options.leases;
    this.#namespaces = options.namespaces;
  }

  create(body: string, route: LeaseRequest): StoredLease {
    const { namespace } = route;
    const given = this.#read(body, route);
    const { generateName } = given.metadata;
    if (!given.metadata.name && generateName) given.metadata.name = generateName + drawSuffix(this.#random);
    return this.#create(given, namespace);
  }

  /**
   * Replaces a lease. A lease that does not exist is created, even if the body names a resource version; only a uid in
   * the body prevents that.
   */
  update(body: string, route: LeaseRequest & LeaseKey): { lease: StoredLease; isNew: boolean } {
    const { namespace, name } = route;
    const given = this.#read(body, route);
    const { name: givenName, uid, resourceVersion } = given.metadata;
    if (!givenName) {
      throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
    }
    if (givenName !== name) {
      throw badRequest(`the name of the object (${givenName}) does not match the name on the URL (${name})`);
    }
    const lease = this.#leases.get(namespace, name);
    if (uid && uid !== lease?.metadata.uid) {
      const why = `StorageError: invalid object, Code: 4, Key: /registry/leases/${namespace}/${name}, ` +
        `ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, ` +
        `UID in object meta: ${lease?.metadata.uid ?? ""}`;
      throw conflict(LEASES, { name, why });
    }
    if (!lease) {
      const { resourceVersion: _, ...metadata } = given.metadata;
      return { lease: this.#create({ ...given, metadata }, namespace), isNew: true };
    }
    if (!resourceVersion) {
      const message = "Invalid value: 0: must be specified for an update";
      throw invalid(LEASES, {
        name,
        causes: [{ reason: "FieldValueInvalid", message, field: "metadata.resourceVersion" }],
      });
    }
    return { lease: this.#replace(lease, given), isNew: false };
  }

  patch(body: string, route: Route, contentType: string): StoredLease {
    const lease = this.#get(route);
    const patch = patched(lease, body, { contentType, kind: "Lease" });
    const next = decodePatched("Lease", patch, { target: lease, route });
    const { name, uid } = lease.metadata;
    if (next.metadata.uid !== undefined && next.metadata.uid !== uid) {
      const message = `Invalid value: "${next.metadata.uid}": field is immutable`;
      throw invalid(KIND, { name: name!, causes: [{ reason: "FieldValueInvalid", message, field: "metadata.uid" }] });
    }
    return this.#replace(lease, { ...next, spec: readLeaseSpec(next.spec) });
  }

  delete(key: LeaseKey, preconditions: Preconditions = {}): StoredLease {
    const lease = this.#get(key);
    checkPreconditions(lease, KIND, preconditions);
    return this.#leases.remove(lease);
  }

  #get({ namespace, name }: LeaseKey): StoredLease {
    const lease = this.#leases.get(namespace, name);
    if (!lease) throw notFound(LEASES, name);
    return lease;
  }

  #read(body: string, { namespace, ...route }: LeaseRequest): StoredLease {
    const { metadata, spec } = parseObject(body, "Lease", { group: "coordination", route });
    if (metadata["namespace"] && metadata["namespace"] !== namespace) {
      throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
    }
    return { metadata: { ...metadata }, spec: readLeaseSpec(spec) };
  }

  #create(given: StoredLease, namespace: string): StoredLease {
    const { name = "", generateName, resourceVersion } = given.metadata;
    this.#namespaces.requireActive(namespace, { resource: LEASES, name });
    this.#check(given);
    if (resourceVersion) throw new ApiError(500, "resourceVersion should not be set on objects to be created");
    if (this.#leases.get(namespace, name)) throw alreadyExists(LEASES, name);
    const fixed = {
      name,
      ...(generateName ? { generateName } : {}),
      namespace,
      uid: drawUid(this.#random),
      creationTimestamp: timestamp(this.#clock.now()),
    };
    return this.#leases.put({ metadata: { ...fixed, ...marksOf(given) }, spec: given.spec });
  }

  /** Labels, annotations and spec may change; the rest stays as it was. */
  #replace(lease: StoredLease, given: StoredLease): StoredLease {
    const { labels: _labels, annotations: _annotations, ...fixed } = lease.metadata;
    const { resourceVersion } = given.metadata;
    if (resourceVersion && !/^\d+$/.test(resourceVersion)) {
      throw new ApiError(500, `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`);
    }
    if (resourceVersion && resourceVersion !== fixed.resourceVersion) throw modified(LEASES, fixed.name!);
    const next = { metadata: { ...fixed, ...marksOf(given) }, spec: given.spec };
    this.#check(next);
    // An update that changes nothing is not stored.
    return isSame(next, lease) ? lease : this.#leases.put(next);
  }

  #check(lease: StoredLease): void {
    const causes = [...validateMetadata(lease), ...validateLeaseSpec(lease.spec)];
    if (causes.length > 0) throw invalid(KIND, { name: lease.metadata.name ?? "", causes });
  }
}

/** The labels and annotations, without empty ones. */
function marksOf({ metadata: { labels, annotations } }: Stored): Pick<Stored["metadata"], "labels" | "annotations"> {
  return {
    ...(labels && Object.keys(labels).length > 0 ? { labels } : {}),
    ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}
