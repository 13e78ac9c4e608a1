import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import { parseObject } from "./body.ts";
import { drawUid } from "./identifier.ts";
import { alreadyExists, invalid, notFound } from "./status.ts";
import type { Store, Stored } from "./store.ts";
import { timestamp } from "./timestamp.ts";

export interface Namespace extends Stored {
  spec: { finalizers: string[] };
  status: { phase: string };
}

/** A quota; of what it may limit, only `pods` counts here. */
export interface ResourceQuota extends Stored {
  spec: { hard: Record<string, string> };
  status: { hard: Record<string, string>; used: Record<string, string> };
}

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

  create(body: string): Namespace {
    return this.add(nameOf("Namespace", body));
  }

  add(name: string): Namespace {
    if (this.#namespaces.get("", name)) throw alreadyExists("namespaces", name);
    return this.#namespaces.put({
      metadata: { name, ...this.#born(), labels: { "kubernetes.io/metadata.name": name } },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    });
  }

  /** Takes a namespace away with the quotas in it; its pods are the caller's to take away. */
  delete(name: string): Namespace {
    const namespace = this.get(name);
    for (const quota of this.quotasIn(name)) this.#quotas.remove(quota);
    return this.#namespaces.remove(namespace);
  }

  quotasIn(namespace: string): ResourceQuota[] {
    return [...this.#quotas.values()].filter(({ metadata }) => metadata.namespace === namespace);
  }

  getQuota(namespace: string, name: string): ResourceQuota {
    const quota = this.#quotas.get(namespace, name);
    if (!quota) throw notFound("resourcequotas", name);
    return quota;
  }

  createQuota(body: string, { namespace, usedPods }: { namespace: string; usedPods: number }): ResourceQuota {
    const name = nameOf("ResourceQuota", body);
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
