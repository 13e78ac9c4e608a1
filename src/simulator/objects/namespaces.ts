import type { Clock } from "../../clock.ts";
import type { ObjectMeta } from "../../kube/types.ts";
import type { Random } from "../../random.ts";
import { decodePatched, parseObject } from "../protocol/body.ts";
import { patched } from "../protocol/patch.ts";
import type { Route } from "../protocol/route.ts";
import { validateMetadata } from "./pod_validation.ts";
import { drawUid } from "../store/identifier.ts";
import { alreadyExists, forbidden, invalid, modified, namespaceTerminating, notFound } from "../protocol/status.ts";
import type { StoredObject } from "./stored_kinds.ts";
import type { Store } from "../store/store.ts";
import { isSame } from "../protocol/same_value.ts";
import type { Stored } from "../store/stored.ts";
import { timestamp } from "../store/timestamp.ts";

export interface Namespace extends Stored {
  spec: { finalizers: string[] };
  status: { phase: string };
}

/** A quota. Of its limits, only `pods` is enforced here. */
export interface ResourceQuota extends Stored {
  spec: { hard: Record<string, string> };
  status: { hard: Record<string, string>; used: Record<string, string> };
}

/** Namespaces that cannot be deleted. */
const IMMORTAL = ["default", "kube-system", "kube-public"];

/** Namespaces and their quotas. Each call takes effect completely and at once, or throws an ApiError. */
export class Namespaces {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #namespaces: Store<Namespace>;
  readonly #quotas: Store<ResourceQuota>;
  readonly #serviceAccounts: Store<StoredObject>;

  constructor(
    options: {
      clock: Clock;
      random: Random;
      namespaces: Store<Namespace>;
      quotas: Store<ResourceQuota>;
      serviceAccounts: Store<StoredObject>;
    },
  ) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#namespaces = options.namespaces;
    this.#quotas = options.quotas;
    this.#serviceAccounts = options.serviceAccounts;
  }

  get(name: string): Namespace {
    const namespace = this.#namespaces.get("", name);
    if (!namespace) throw notFound("namespaces", name);
    return namespace;
  }

  /** @throws ApiError 404 if there is no such namespace, 403 if it is being deleted */
  requireActive(namespace: string, { resource, name }: { resource: string; name: string }): void {
    if (this.get(namespace).status.phase === "Terminating") throw namespaceTerminating(resource, { name, namespace });
  }

  create(body: string, route: Route): Namespace {
    const given = parseObject(body, "Namespace", { route }) as unknown as Namespace;
    const { name = "" } = given.metadata;
    const causes = validateMetadata(given);
    if (causes.length > 0) throw invalid("Namespace", { name, causes });
    return this.add(name, given.metadata);
  }

  /** Creates a namespace, and in it the service account that its pods run under. */
  add(name: string, { labels, annotations }: Pick<ObjectMeta, "labels" | "annotations"> = {}): Namespace {
    const known = this.#namespaces.get("", name);
    if (known) throw alreadyExists("namespaces", name, { isTerminating: known.status.phase === "Terminating" });
    const born = this.#born();
    const namespace = this.#namespaces.put({
      metadata: {
        name,
        ...born,
        labels: { ...labels, ...nameLabel(name) },
        ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
      },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    });
    this.#serviceAccounts.put({ metadata: { name: "default", namespace: name, ...born } });
    return namespace;
  }

  update(body: string, route: Route): Namespace {
    return this.#replace(this.get(route.name), parseObject(body, "Namespace", { route }) as unknown as Namespace);
  }

  patch(body: string, route: Route, contentType: string): Namespace {
    const namespace = this.get(route.name);
    const next = patched(namespace, body, { contentType, kind: "Namespace" });
    return this.#replace(namespace, decodePatched("Namespace", next, { target: namespace, route }));
  }

  /** Marks a namespace as being deleted; the caller removes its content and the namespace itself. */
  terminate(name: string): Namespace {
    const namespace = this.get(name);
    if (IMMORTAL.includes(name)) throw forbidden("namespaces", { name, why: "this namespace may not be deleted" });
    if (namespace.status.phase === "Terminating") return namespace;
    const metadata = { ...namespace.metadata, deletionTimestamp: timestamp(this.#clock.now()) };
    return this.#namespaces.put({ ...namespace, metadata, status: { phase: "Terminating" } });
  }

  quotasIn(namespace: string): ResourceQuota[] {
    return this.#quotas.valuesIn(namespace);
  }

  getQuota(namespace: string, name: string): ResourceQuota {
    const quota = this.#quotas.get(namespace, name);
    if (!quota) throw notFound("resourcequotas", name);
    return quota;
  }

  createQuota(body: string, { namespace, usedPods }: { namespace: string; usedPods: number }): ResourceQuota {
    const name = nameOf("ResourceQuota", body);
    this.requireActive(namespace, { resource: "resourcequotas", name });
    if (this.#quotas.get(namespace, name)) throw alreadyExists("resourcequotas", name);
    const { spec } = JSON.parse(body) as { spec?: { hard?: Record<string, unknown> } };
    const hard = Object.fromEntries(Object.entries(spec?.hard ?? {}).map(([key, value]) => [key, String(value)]));
    return this.#quotas.put({
      metadata: { name, namespace, ...this.#born() },
      spec: { hard },
      status: { hard, used: { pods: String(usedPods) } },
    });
  }

  deleteQuota(namespace: string, name: string): ResourceQuota {
    return this.#quotas.remove(this.getQuota(namespace, name));
  }

  /** Labels and annotations may change; the rest stays as it was. */
  #replace(namespace: Namespace, given: Namespace): Namespace {
    const { labels: _labels, annotations: _annotations, ...fixed } = namespace.metadata;
    const { labels, annotations, resourceVersion } = given.metadata;
    const name = fixed.name!;
    if (resourceVersion && resourceVersion !== fixed.resourceVersion) throw modified("namespaces", name);
    const metadata = {
      ...fixed,
      labels: { ...labels, ...nameLabel(name) },
      ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
    };
    const causes = validateMetadata({ metadata });
    if (causes.length > 0) throw invalid("Namespace", { name, causes });
    const next = { ...namespace, metadata };
    return isSame(next, namespace) ? namespace : this.#namespaces.put(next);
  }

  #born(): { uid: string; creationTimestamp: string } {
    return { uid: drawUid(this.#random), creationTimestamp: timestamp(this.#clock.now()) };
  }
}

function nameLabel(name: string): Record<string, string> {
  return { "kubernetes.io/metadata.name": name };
}

function nameOf(kind: string, body: string): string {
  const name = String(parseObject(body, kind).metadata["name"] ?? "");
  if (name !== "") return name;
  const message = "Required value: name or generateName is required";
  throw invalid(kind, { name, causes: [{ reason: "FieldValueRequired", message, field: "metadata.name" }] });
}
