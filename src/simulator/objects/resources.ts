import type { Pod } from "../../kube/types.ts";
import type { Etcd } from "../etcd.ts";
import type { SelectableFields } from "../protocol/field_selector.ts";
import { LEASES, type StoredLease } from "./lease_operations.ts";
import type { Namespace } from "./namespaces.ts";
import type { Node } from "../behaviour/nodes.ts";
import { resourceName, type StoredKind, storedKinds, type StoredObject } from "./stored_kinds.ts";
import type { Store } from "../store/store.ts";
import type { Stored } from "../store/stored.ts";

/** A resource that can be listed and watched. */
export interface Resource<T extends Stored> {
  /** Qualified with its group. */
  name: string;
  kind: string;
  apiVersion: string;
  store: Store<T>;
  fields: SelectableFields<T>;
}

/** All resources that can be listed and watched. */
export interface Resources {
  pods: Resource<Pod>;
  nodes: Resource<Node>;
  namespaces: Resource<Namespace>;
  leases: Resource<StoredLease>;
  /** Kinds that are only stored, by resource, qualified with its group. */
  others: Map<string, Resource<StoredObject>>;
}

const NAME = { "metadata.name": ({ metadata }: Stored) => metadata.name ?? "" };
const PLACE = { ...NAME, "metadata.namespace": ({ metadata }: Stored) => metadata.namespace ?? "" };

export function resourcesOf(etcd: Etcd): Resources {
  return {
    pods: {
      name: "pods",
      kind: "Pod",
      apiVersion: "v1",
      store: etcd.pods,
      fields: {
        ...PLACE,
        "spec.nodeName": ({ spec }) => spec.nodeName ?? "",
        "spec.restartPolicy": ({ spec }) => String(spec["restartPolicy"] ?? ""),
        "spec.schedulerName": ({ spec }) => String(spec["schedulerName"] ?? ""),
        "spec.serviceAccountName": ({ spec }) => String(spec["serviceAccountName"] ?? ""),
        "spec.hostNetwork": ({ spec }) => String(spec["hostNetwork"] ?? false),
        "status.phase": ({ status }) => status?.phase ?? "",
        "status.podIP": ({ status }) => status?.podIP ?? "",
        "status.nominatedNodeName": ({ status }) => String(status?.["nominatedNodeName"] ?? ""),
      },
    },
    nodes: {
      name: "nodes",
      kind: "Node",
      apiVersion: "v1",
      store: etcd.nodes,
      fields: { ...NAME, "spec.unschedulable": ({ spec }) => String(spec.unschedulable ?? false) },
    },
    namespaces: {
      name: "namespaces",
      kind: "Namespace",
      apiVersion: "v1",
      store: etcd.namespaces,
      fields: { ...NAME, "status.phase": ({ status }) => status.phase },
    },
    leases: {
      name: LEASES,
      kind: "Lease",
      apiVersion: "coordination.k8s.io/v1",
      store: etcd.leases,
      fields: PLACE,
    },
    others: new Map(storedKinds.map((kind) => [resourceName(kind), storedResource(kind, etcd)])),
  };
}

function storedResource(kind: StoredKind, etcd: Etcd): Resource<StoredObject> {
  const name = resourceName(kind);
  const selectable = Object.entries(kind.selectable ?? {}).map(([field, read]) =>
    [field, (object: StoredObject) => String(read(object) ?? "")] as const
  );
  return {
    name,
    kind: kind.kind,
    apiVersion: kind.group === "" ? "v1" : `${kind.group}/v1`,
    store: etcd.others.get(name)!,
    fields: { ...(kind.isNamespaced ? PLACE : NAME), ...Object.fromEntries(selectable) },
  };
}
