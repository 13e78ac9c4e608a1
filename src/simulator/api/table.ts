import type { Lease, Pod } from "../../kube/types.ts";
import type { Namespace } from "../objects/namespaces.ts";
import type { Node } from "../behaviour/nodes.ts";
import type { Stored } from "../store/stored.ts";

interface Column {
  name: string;
  /** 0 always shown, 1 only in wide output. */
  priority?: number;
  format?: string;
}

const columns: Record<string, Column[]> = {
  Pod: [
    { name: "Name", format: "name" },
    { name: "Ready" },
    { name: "Status" },
    { name: "Restarts" },
    { name: "Age" },
    { name: "IP", priority: 1 },
    { name: "Node", priority: 1 },
    { name: "Nominated Node", priority: 1 },
    { name: "Readiness Gates", priority: 1 },
  ],
  Node: [{ name: "Name", format: "name" }, { name: "Status" }, { name: "Roles" }, { name: "Age" }, { name: "Version" }],
  Lease: [{ name: "Name", format: "name" }, { name: "Holder" }, { name: "Age" }],
  Namespace: [{ name: "Name", format: "name" }, { name: "Status" }, { name: "Age" }],
};

/** Objects as the table that `kubectl get` asks for. */
export function tableOf(kind: string, objects: Stored[], metadata: unknown, now: number): unknown {
  const columnDefinitions = (columns[kind] ?? []).map(({ name, priority = 0, format = "" }) => ({
    name,
    type: "string",
    format,
    description: name,
    priority,
  }));
  const rows = objects.map((object) => ({
    cells: cellsOf(kind, object, now),
    object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata },
  }));
  return { kind: "Table", apiVersion: "meta.k8s.io/v1", metadata, columnDefinitions, rows };
}

function cellsOf(kind: string, object: Stored, now: number): string[] {
  const name = object.metadata.name!;
  const age = duration(now - Date.parse(object.metadata.creationTimestamp ?? ""));
  if (kind === "Pod") {
    const pod = object as Pod;
    const statuses = pod.status?.containerStatuses ?? [];
    const ready = `${statuses.filter(({ ready }) => ready).length}/${pod.spec.containers.length}`;
    const restarts = Math.max(0, ...statuses.map(({ restartCount }) => restartCount));
    const none = "<none>";
    const [ip = none, node = none] = [pod.status?.podIP, pod.spec.nodeName];
    return [name, ready, statusWord(pod), String(restarts), age, ip, node, none, none];
  }
  if (kind === "Node") {
    const node = object as Node;
    const conditions = (node.status["conditions"] ?? []) as { type: string; status: string }[];
    const isReady = conditions.some(({ type, status }) => type === "Ready" && status === "True");
    const status = `${isReady ? "Ready" : "NotReady"}${node.spec.unschedulable ? ",SchedulingDisabled" : ""}`;
    return [name, status, "<none>", age, "v1.36.3"];
  }
  if (kind === "Lease") return [name, (object as Lease).spec?.holderIdentity ?? "", age];
  return [name, (object as Namespace).status.phase, age];
}

/** The one word that kubectl says about a pod. */
function statusWord({ metadata, status }: Pod): string {
  if (metadata.deletionTimestamp !== undefined) return "Terminating";
  if (status?.reason) return status.reason;
  const state = status?.containerStatuses?.[0]?.state;
  return state?.waiting?.reason ?? state?.terminated?.reason ?? status?.phase ?? "Unknown";
}

function duration(ms: number): string {
  const seconds = Math.max(Math.floor(ms / 1000), 0);
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 3 * 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 48 * 3600 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86400)}d`;
}
