import { parseObject } from "./body.ts";
import { type Node, withLifecycleTaints } from "./nodes.ts";
import { mergePatch, strategicPatch } from "./patch.ts";
import type { Route } from "./route.ts";
import { conflict, notFound, unsupportedMediaType } from "./status.ts";
import type { Store } from "./store.ts";

/** What a request may do to a node. Each call does it wholly and at once, or throws an ApiError. */
export class NodeOperations {
  readonly #nodes: Store<Node>;
  readonly #now: () => number;

  constructor(nodes: Store<Node>, { now }: { now: () => number }) {
    this.#nodes = nodes;
    this.#now = now;
  }

  get({ name }: Pick<Route, "name">): Node {
    const node = this.#nodes.get("", name);
    if (!node) throw notFound("nodes", name);
    return node;
  }

  update(body: string, route: Route): Node {
    return this.#replace(this.get(route), parseObject(body, "Node") as unknown as Node);
  }

  patch(body: string, route: Route, contentType: string): Node {
    const node = this.get(route);
    switch (contentType.split(";")[0]) {
      case "application/merge-patch+json":
        return this.#replace(node, mergePatch(node, JSON.parse(body)) as Node);
      case "application/strategic-merge-patch+json":
        return this.#replace(node, strategicPatch(node, JSON.parse(body)) as Node);
      default:
        throw unsupportedMediaType();
    }
  }

  delete(route: Route): Node {
    return this.#nodes.remove(this.get(route));
  }

  #replace(node: Node, next: Node): Node {
    const { name = "", uid, creationTimestamp, resourceVersion } = node.metadata;
    const asked = next.metadata.resourceVersion;
    if (asked && asked !== resourceVersion) {
      const why = "the object has been modified; please apply your changes to the latest version and try again";
      throw conflict("nodes", { name, why });
    }
    const metadata = { ...next.metadata, name, uid: uid!, creationTimestamp: creationTimestamp! };
    const changed = { metadata, spec: next.spec ?? {}, status: next.status ?? node.status };
    return this.#nodes.put(withLifecycleTaints(changed, this.#now()));
  }
}
