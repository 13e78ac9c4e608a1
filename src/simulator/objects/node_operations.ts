import type { NodeCondition, Taint } from "../../kube/types.ts";
import { decodePatched, parseObject } from "../protocol/body.ts";
import { type Node, withLifecycleTaints } from "../behaviour/nodes.ts";
import { patched } from "../protocol/patch.ts";
import type { Route } from "../protocol/route.ts";
import { modified, notFound } from "../protocol/status.ts";
import type { Store } from "../store/store.ts";

/** The operations of the API on nodes. Each takes effect completely and at once, or throws an ApiError. */
export class NodeOperations {
  readonly #nodes: Store<Node>;
  readonly #now: () => number;

  constructor(nodes: Store<Node>, { now }: { now: () => number }) {
    this.#nodes = nodes;
    this.#now = now;
  }

  update(body: string, route: Route): Node {
    return this.#replace(this.#get(route), parseObject(body, "Node", { route }) as unknown as Node);
  }

  patch(body: string, route: Route, contentType: string): Node {
    const node = this.#get(route);
    return this.#replace(
      node,
      decodePatched("Node", patched(node, body, { contentType, kind: "Node" }), { target: node, route }),
    );
  }

  delete(route: Route): Node {
    return this.#nodes.remove(this.#get(route));
  }

  /** Changes a node as another user of the cluster, or the cluster itself. */
  change(name: string, change: (node: Node) => Node): void {
    this.#nodes.put(withLifecycleTaints(change(this.#get({ name })), this.#now()));
  }

  /** Puts a taint on a node, in place of one with the same key. */
  taint(name: string, taint: Taint): void {
    this.change(name, (node) => {
      const others = (node.spec.taints ?? []).filter(({ key }) => key !== taint.key);
      return { ...node, spec: { ...node.spec, taints: [...others, taint] } };
    });
  }

  untaint(name: string, key: string): void {
    this.change(name, (node) => {
      const taints = (node.spec.taints ?? []).filter((taint) => taint.key !== key);
      return { ...node, spec: { ...node.spec, taints } };
    });
  }

  setCondition(name: string, condition: NodeCondition): void {
    this.change(name, (node) => {
      const conditions = (node.status["conditions"] ?? []) as NodeCondition[];
      const others = conditions.filter(({ type }) => type !== condition.type);
      return { ...node, status: { ...node.status, conditions: [...others, condition] } };
    });
  }

  #get({ name }: Pick<Route, "name">): Node {
    const node = this.#nodes.get("", name);
    if (!node) throw notFound("nodes", name);
    return node;
  }

  #replace(node: Node, next: Node): Node {
    const { name = "", uid, creationTimestamp, resourceVersion } = node.metadata;
    const asked = next.metadata.resourceVersion;
    if (asked && asked !== resourceVersion) throw modified("nodes", name);
    const metadata = { ...next.metadata, name, uid: uid!, creationTimestamp: creationTimestamp! };
    const changed = { metadata, spec: next.spec ?? {}, status: next.status ?? node.status };
    return this.#nodes.put(withLifecycleTaints(changed, this.#now()));
  }
}
