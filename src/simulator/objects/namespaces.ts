import type { Clock } from "../../clock.ts";
import type { Random } from "../../random.ts";
import { parseObject } from "../api/body.ts";
import { drawUid } from "../store/identifier.ts";
import { alreadyExists, forbidden, invalid, namespaceTerminating, notFound } from "../api/status.ts";
import type { Store } from "../store/store.ts";
import type { Stored } from "../store/stored.ts";
import { timestamp } from "../store/timestamp.ts";

export interface Namespace extends Stored {
  spec: { finalizers: string[] };
  status: { phase: string };
}

/** A quota; of what it may limit, only `pods` counts here. */
export interface ResourceQuota extends Stored {
  spec: { hard: Record<string, string> };
  status: { hard: Record<string, string>; used: Record<string, string> };
}

/** Namespaces that cannot be deleted. */
const IMMORTAL = ["default", "kube-system", "kube-public"];

/** Namespaces and the quotas in them. Each call does its work wholly and at once, or throws an ApiError. */
export class Namespaces {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #namespaces: Store<Namespace>;
  readonly #quotas: Store<ResourceQuota>;

  constructor(
    options: { clock: Clock; random: Random; namespaces: Store<Namespace>; quotas: Store<ResourceQuota> },
  ) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#namespaces = options.namespaces;
    this.#quotas = options.quotas;
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

  create(body: string): Namespace {
    return this.add(nameOf("Namespace", body));
  }

  add(name: string): Namespace {
    const known = this.#namespaces.get("", name);
    if (known) throw alreadyExists("namespaces", name, { isTerminating: known.status.phase === "Terminating" });
    return this.#namespaces.put({
      metadata: { name, ...this.#born(), labels: { "kubernetes.io/metadata.name": name } },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    });
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

  #born(): { uid: string; creationTimestamp: string } {
    return { uid: drawUid(this.#random), creationTimestamp: timestamp(this.#clock.now()) };
  }
}

function nameOf(kind: string, body: string): string {
  const name = String(parseObject(body, kind).metadata["name"] ?? "");
  if (name !== "") return name;
  const message = "Required value: name or generateName is required";
  throw invalid(kind, { name, causes: [{ reason: "FieldValueRequired", message, field: "metadata.name" }] });
}
