import type { Clock } from "../../clock.ts";
import type { Pod } from "../../kube/types.ts";
import type { Random } from "../../random.ts";
import type { Admission } from "./admission.ts";
import { decodePatched, parseObject } from "../protocol/body.ts";
import type { FaultSet } from "../faults/fault_set.ts";
import { drawSuffix, drawUid } from "../store/identifier.ts";
import type { Lifecycle } from "../behaviour/lifecycle.ts";
import { patched } from "../protocol/patch.ts";
import { disrupted, hasEnded, withDeletion } from "../behaviour/pod_changes.ts";
import { withDefaults, withSpecDefaults } from "./pod_defaults.ts";
import { type ResourceRequirements, resourceWarnings } from "./pod_resources.ts";
import { validateUpdate } from "./pod_update.ts";
import { validateMetadata, validatePod } from "./pod_validation.ts";
import { checkPreconditions, type Preconditions } from "./preconditions.ts";
import type { Route } from "../protocol/route.ts";
import { applied, type ApplyRequest } from "./server_side_apply.ts";
import { alreadyExists, ApiError, badRequest, invalid, modified, notFound } from "../protocol/status.ts";
import type { Store } from "../store/store.ts";
import { isSame } from "../protocol/same_value.ts";
import { timestamp } from "../store/timestamp.ts";

/** How a client wants a pod to be deleted. */
export interface DeleteOptions {
  gracePeriodSeconds?: number;
  preconditions?: Preconditions;
}

type Parsed = ReturnType<typeof parseObject>;

/** The operations of the API on pods. Each takes effect completely and at once, or throws an ApiError. */
export class PodOperations {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #pods: Store<Pod>;
  readonly #lifecycle: Lifecycle;
  readonly #admission: Admission;
  readonly #faults: FaultSet;

  constructor(
    options: {
      clock: Clock;
      random: Random;
      pods: Store<Pod>;
      lifecycle: Lifecycle;
      admission: Admission;
      faults: FaultSet;
    },
  ) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#pods = options.pods;
    this.#lifecycle = options.lifecycle;
    this.#admission = options.admission;
    this.#faults = options.faults;
  }

  create(body: string, route: Route): Pod {
    return this.#create(parseObject(body, "Pod", { route }), route);
  }

  /** Server-side apply. */
  apply(request: ApplyRequest, route: Route): { object: Pod; isNew: boolean } {
    const known = this.#pods.get(route.namespace, route.name);
    const next = decodePatched("Pod", applied("Pod", known, { ...request, now: this.#clock.now() }), {
      target: known,
      route,
    });
    if (known) return { object: this.#replace(known, next, route), isNew: false };
    return { object: this.#create(next as unknown as Parsed, { ...route, verb: "create" }), isNew: true };
  }

  #create(object: Parsed, route: Route): Pod {
    const metadata = { ...object.metadata } as Pod["metadata"];
    if (metadata.namespace !== undefined && metadata.namespace !== route.namespace) {
      throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
    }
    if (metadata.resourceVersion) throw new ApiError(500, "resourceVersion should not be set on objects to be created");
    if (!metadata.name && metadata.generateName) metadata.name = metadata.generateName + drawSuffix(this.#random);
    const spec = object["spec"] as Pod["spec"] | undefined;
    const asked = withDefaults({ metadata, spec: { ...spec, containers: spec?.containers ?? [] } });
    const pod = this.#admission.mutate(asked, route);
    this.#admission.admit(pod, route);
    const causes = validatePod(pod);
    if (causes.length > 0) throw invalid("Pod", { name: metadata.name ?? "", causes });
    route.warnings.push(...warningsOf(pod));
    const name = metadata.name!;
    if (this.#pods.get(route.namespace, name)) throw alreadyExists("pods", name);
    const uid = drawUid(this.#random);
    if (this.#faults.strike("image-pull-fails", route)) this.#lifecycle.force(uid, "image-pull-fails");
    else if (this.#faults.strike("unschedulable", route)) this.#lifecycle.force(uid, "unschedulable");
    const creationTimestamp = timestamp(this.#clock.now());
    const manager = route.query.get("fieldManager") ?? "unknown";
    const { generateName, labels, annotations, finalizers } = pod.metadata;
    const { managedFields = [createdBy(manager, creationTimestamp)] } = pod.metadata;
    return this.#pods.put({
      ...pod,
      metadata: {
        name,
        ...(generateName === undefined ? {} : { generateName }),
        namespace: route.namespace,
        uid,
        generation: 1,
        creationTimestamp,
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
        ...(finalizers === undefined ? {} : { finalizers }),
        managedFields,
      },
    });
  }

  update(body: string, route: Route): Pod {
    const given = parseObject(body, "Pod", { route });
    const name = given.metadata["name"];
    if (name !== route.name) {
      throw badRequest(`the name of the object (${name}) does not match the name on the URL (${route.name})`);
    }
    const spec = given["spec"] as Pod["spec"] | undefined;
    const pod = { ...given, spec: { ...spec, containers: spec?.containers ?? [] } };
    return this.#replace(this.#get(route), pod as unknown as Pod, route);
  }

  patch(body: string, route: Route, contentType: string): Pod {
    const pod = this.#get(route);
    const next = decodePatched("Pod", patched(pod, body, { contentType, kind: "Pod" }), { target: pod, route });
    return this.#replace(pod, next, route);
  }

  /** Deletes with grace: a pod that is on no node, or has ended, is gone at once, as is one without grace. */
  delete(route: Pick<Route, "namespace" | "name">, options: DeleteOptions): Pod {
    const pod = this.#get(route);
    checkPreconditions(pod, "Pod", options.preconditions ?? {});
    let graceSeconds = options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
    if (graceSeconds < 0) graceSeconds = 1;
    if (pod.spec.nodeName === undefined || hasEnded(pod)) graceSeconds = 0;
    const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
    if (deletionTimestamp !== undefined && graceSeconds >= deletionGracePeriodSeconds) {
      // A second delete may only shorten the grace.
      return graceSeconds === 0 ? this.#lifecycle.finish(pod) : pod;
    }
    const marked = this.#pods.put(withDeletion(pod, graceSeconds, this.#clock.now()));
    return graceSeconds === 0 ? this.#lifecycle.finish(marked) : marked;
  }

  /** The eviction API: marks the pod as disrupted, whatever its state, and deletes it. */
  evict(route: Pick<Route, "namespace" | "name">, options: DeleteOptions): void {
    const pod = this.#get(route);
    checkPreconditions(pod, "Pod", options.preconditions ?? {});
    const reason = { reason: "EvictionByEvictionAPI", message: "Eviction API: evicting" };
    const marked = disrupted(pod, reason, this.#clock.now());
    if (!isSame(marked, pod)) this.#pods.put(marked);
    this.delete(route, options);
  }

  #get({ namespace, name }: Pick<Route, "namespace" | "name">): Pod {
    const pod = this.#pods.get(namespace, name);
    if (!pod) throw notFound("pods", name);
    return pod;
  }

  /** Takes over those fields of `given` that may change; the rest stays as it was. */
  #replace(pod: Pod, given: Pod, route: Route): Pod {
    const { name = "", resourceVersion, uid } = pod.metadata;
    const asked = given.metadata.resourceVersion;
    if (asked && asked !== resourceVersion) throw modified("pods", name);
    if (given.metadata.uid !== undefined && given.metadata.uid !== uid) {
      const message = `Invalid value: "${given.metadata.uid}": field is immutable`;
      throw invalid("Pod", { name, causes: [{ reason: "FieldValueInvalid", message, field: "metadata.uid" }] });
    }
    const { labels: _l, annotations: _a, finalizers: _f, managedFields: _m, ...fixed } = pod.metadata;
    const { labels, annotations, finalizers, managedFields } = given.metadata;
    const metadata: Pod["metadata"] = {
      ...fixed,
      ...(labels && Object.keys(labels).length > 0 ? { labels } : {}),
      ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
      ...(finalizers?.length ? { finalizers } : {}),
      ...(managedFields === undefined ? {} : { managedFields }),
    };
    const isStatus = route.subresource === "status";
    const spec = isStatus || given.spec === pod.spec ? pod.spec : withSpecDefaults(given.spec);
    const qosClass = pod.status?.["qosClass"];
    const next: Pod = { ...pod, metadata, ...(isStatus ? { status: { ...given.status, qosClass } } : { spec }) };
    const isChanged = !isStatus && !isSame(spec, pod.spec);
    const causes = isChanged ? [...validatePod(next), ...validateUpdate(pod, next)] : validateMetadata(next);
    if (causes.length > 0) throw invalid("Pod", { name, causes });
    if (isChanged) metadata["generation"] = Number(metadata["generation"] ?? 0) + 1;
    // An update that changes nothing is not stored.
    if (isSame(next, pod)) return pod;
    const isGone = next.metadata.deletionGracePeriodSeconds === 0 && !next.metadata.finalizers?.length;
    if (!isGone) return this.#pods.put(next);
    // The removal of the last finalizer is not stored: the DELETED event still shows it.
    this.#pods.remove(pod);
    return next;
  }
}

/**
 * The `managedFields` entry of an object's creator, without the single fields (source: Kubernetes API reference,
 * ManagedFieldsEntry).
 */
function createdBy(manager: string, time: string): object {
  const fieldsV1 = { "f:spec": {} };
  return { manager, operation: "Update", apiVersion: "v1", time, fieldsType: "FieldsV1", fieldsV1 };
}

function warningsOf({ spec: { containers } }: Pod): string[] {
  return containers.flatMap(({ resources }, position) =>
    resourceWarnings((resources ?? {}) as ResourceRequirements, `spec.containers[${position}].resources`)
  );
}
