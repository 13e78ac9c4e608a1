import type { Clock } from "../clock.ts";
import type { Pod } from "../kube/types.ts";
import type { Access } from "./access.ts";
import type { Admission } from "./admission.ts";
import { jsonAnswer, objectAnswer, textAnswer } from "./answers.ts";
import type { Collection, Collections } from "./collections.ts";
import { discoveryDocument, isHealthPath } from "./discovery.ts";
import type { Interference } from "./interference.ts";
import { listPage } from "./listing.ts";
import type { Namespace, Namespaces } from "./namespaces.ts";
import type { NodeOperations } from "./node_operations.ts";
import type { Node } from "./nodes.ts";
import type { DeleteOptions, PodOperations } from "./pod_operations.ts";
import { integerParameter, parseRoute, type Route } from "./route.ts";
import { ApiError, badRequest, methodNotAllowed, noSuchResource, notFound } from "./status.ts";
import type { Store, Stored } from "./store.ts";

/** What the API is made over. */
export interface ApiParts {
  clock: Clock;
  access: Access;
  admission: Admission;
  interference: Interference;
  collections: Collections;
  podOperations: PodOperations;
  nodeOperations: NodeOperations;
  namespaceOperations: Namespaces;
  pods: Store<Pod>;
  nodes: Store<Node>;
  namespaces: Store<Namespace>;
}

/** A request, and what was read from it. */
interface Call {
  route: Route;
  request: Request;
  body: string;
}

/** Turns HTTP requests of the Kubernetes API into answers. */
export class Api {
  readonly #parts: ApiParts;
  readonly #pods: Collection<Pod>;
  readonly #nodes: Collection<Node>;
  readonly #namespaces: Collection<Namespace>;

  constructor(parts: ApiParts) {
    this.#parts = parts;
    this.#pods = {
      kind: "Pod",
      store: parts.pods,
      fields: {
        "metadata.name": ({ metadata }) => metadata.name ?? "",
        "metadata.namespace": ({ metadata }) => metadata.namespace ?? "",
        "spec.nodeName": ({ spec }) => spec.nodeName ?? "",
        "spec.restartPolicy": ({ spec }) => String(spec["restartPolicy"] ?? ""),
        "spec.schedulerName": ({ spec }) => String(spec["schedulerName"] ?? ""),
        "spec.serviceAccountName": ({ spec }) => String(spec["serviceAccountName"] ?? ""),
        "spec.hostNetwork": ({ spec }) => String(spec["hostNetwork"] ?? false),
        "status.phase": ({ status }) => status?.phase ?? "",
        "status.podIP": ({ status }) => status?.podIP ?? "",
        "status.nominatedNodeName": ({ status }) => String(status?.["nominatedNodeName"] ?? ""),
      },
    };
    this.#nodes = {
      kind: "Node",
      store: parts.nodes,
      fields: {
        "metadata.name": ({ metadata }) => metadata.name ?? "",
        "spec.unschedulable": ({ spec }) => String(spec.unschedulable ?? false),
      },
    };
    this.#namespaces = {
      kind: "Namespace",
      store: parts.namespaces,
      fields: {
        "metadata.name": ({ metadata }) => metadata.name ?? "",
        "status.phase": ({ status }) => status.phase,
      },
    };
  }

  /**
   * Answers one request.
   * @throws ConnectionLost where a fault breaks the connection
   */
  async handle(request: Request): Promise<Response> {
    const response = await this.#handle(request);
    response.headers.set("date", new Date(this.#parts.clock.now()).toUTCString());
    return response;
  }

  async #handle(request: Request): Promise<Response> {
    const route = parseRoute(request.method, new URL(request.url));
    const { access, interference } = this.#parts;
    try {
      await interference.before(route, request.signal);
      const user = access.authenticate(request.headers);
      if (isHealthPath(route.path)) return textAnswer(200, "ok");
      const document = discoveryDocument(route.path);
      if (document !== undefined) return jsonAnswer(200, document);
      if (route.resource === "") return textAnswer(404, "404 page not found\n");
      access.authorize(user, route);
      interference.authorize(user.name, route);
      const body = request.body === null ? "" : await request.text();
      const response = this.#dispatch({ route, request, body });
      interference.after(route);
      return response;
    } catch (error) {
      if (error instanceof ApiError) return jsonAnswer(error.code, error.status, error.headers);
      throw error;
    }
  }

  #dispatch(call: Call): Response {
    const { resource, namespace } = call.route;
    if (resource === "pods") return this.#answerPods(call);
    if (resource === "nodes" && namespace === "") return this.#answerNodes(call);
    if (resource === "namespaces" && namespace === "") return this.#answerNamespaces(call);
    if (resource === "resourcequotas" && namespace !== "") return this.#answerQuotas(call);
    if (resource === "serviceaccounts" && namespace !== "") return this.#answerServiceAccounts(call);
    throw noSuchResource();
  }

  #answerPods(call: Call): Response {
    const { route, request, body } = call;
    const { podOperations: operations, collections } = this.#parts;
    if (route.verb === "list" || route.verb === "watch") return collections.answer(this.#pods, call);
    if (route.namespace === "") throw methodNotAllowed();
    switch (`${route.verb} ${route.subresource}`.trimEnd()) {
      case "get":
      case "get status":
        return this.#object("Pod", this.#stalePod(route) ?? operations.get(route), call);
      case "create":
        if (route.name !== "") throw methodNotAllowed();
        this.#parts.namespaceOperations.get(route.namespace);
        return this.#object("Pod", operations.create(body, route), call, 201);
      case "create eviction":
        operations.evict(route, deleteOptions(body, route, "deleteOptions"));
        return jsonAnswer(201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
      case "update":
      case "update status":
        if (route.name === "") throw methodNotAllowed();
        return this.#object("Pod", operations.update(body, route), call);
      case "patch":
      case "patch status":
        return this.#object("Pod", operations.patch(body, route, request.headers.get("content-type") ?? ""), call);
      case "delete":
        return this.#object("Pod", operations.delete(route, deleteOptions(body, route)), call);
      case "deletecollection": {
        const page = listPage({ ...collections.select(this.#pods, route), limit: 0 });
        for (const { metadata } of page.items) {
          operations.delete({ namespace: route.namespace, name: metadata.name! }, deleteOptions(body, route));
        }
        return jsonAnswer(200, { kind: "PodList", apiVersion: "v1", ...page });
      }
      default:
        throw route.subresource === "" ? methodNotAllowed() : noSuchResource();
    }
  }

  #answerNodes(call: Call): Response {
    const { route, request, body } = call;
    const { nodeOperations: operations, collections } = this.#parts;
    switch (route.verb) {
      case "list":
      case "watch":
        return collections.answer(this.#nodes, call);
      case "get":
        return this.#object("Node", operations.get(route), call);
      case "update":
        return this.#object("Node", operations.update(body, route), call);
      case "patch":
        return this.#object("Node", operations.patch(body, route, request.headers.get("content-type") ?? ""), call);
      case "delete":
        return gone(operations.delete(route), "nodes");
      default:
        throw methodNotAllowed();
    }
  }

  #answerNamespaces(call: Call): Response {
    const { route, body } = call;
    const { namespaceOperations: operations, collections, podOperations, pods } = this.#parts;
    switch (route.verb) {
      case "list":
      case "watch":
        return collections.answer(this.#namespaces, call);
      case "get":
        return this.#object("Namespace", operations.get(route.name), call);
      case "create":
        return this.#object("Namespace", operations.create(body), call, 201);
      case "delete": {
        const namespace = operations.delete(route.name);
        for (const { metadata } of [...pods.values()].filter((pod) => pod.metadata.namespace === route.name)) {
          podOperations.delete({ namespace: route.name, name: metadata.name! }, { gracePeriodSeconds: 0 });
        }
        return this.#object("Namespace", namespace, call);
      }
      default:
        throw methodNotAllowed();
    }
  }

  #answerQuotas(call: Call): Response {
    const { route, body } = call;
    const { namespace, name } = route;
    const { namespaceOperations: operations, admission, pods } = this.#parts;
    const used = { pods: String(admission.usedPods(namespace)) };
    switch (route.verb) {
      case "list": {
        const items = operations.quotasIn(namespace).map((quota) => ({ ...quota, status: { ...quota.status, used } }));
        const metadata = { resourceVersion: String(pods.revision) };
        return jsonAnswer(200, { kind: "ResourceQuotaList", apiVersion: "v1", metadata, items });
      }
      case "get": {
        const quota = operations.getQuota(namespace, name);
        return jsonAnswer(200, {
          kind: "ResourceQuota",
          apiVersion: "v1",
          ...quota,
          status: { ...quota.status, used },
        });
      }
      case "create": {
        operations.get(namespace);
        const quota = operations.createQuota(body, { namespace, usedPods: admission.usedPods(namespace) });
        return jsonAnswer(201, { kind: "ResourceQuota", apiVersion: "v1", ...quota });
      }
      case "delete":
        return jsonAnswer(200, { kind: "ResourceQuota", apiVersion: "v1", ...operations.deleteQuota(namespace, name) });
      default:
        throw methodNotAllowed();
    }
  }

  /** Every namespace has the one that pods are run under, and no other. */
  #answerServiceAccounts({ route: { verb, namespace, name } }: Call): Response {
    if (verb !== "get") throw methodNotAllowed();
    const { uid, creationTimestamp } = this.#parts.namespaceOperations.get(namespace).metadata;
    if (name !== "default") throw notFound("serviceaccounts", name);
    return jsonAnswer(200, {
      kind: "ServiceAccount",
      apiVersion: "v1",
      metadata: { name, namespace, uid, creationTimestamp },
    });
  }

  /** The pod as it was, where a fault says so; a pod that was not there then is not there. */
  #stalePod(route: Route): Pod | undefined {
    const revision = this.#parts.collections.staleRevision(route);
    if (revision === undefined) return undefined;
    const { namespace, name } = route;
    const pod = this.#parts.pods.at(revision).find(({ metadata }) =>
      metadata.name === name && metadata.namespace === namespace
    );
    if (!pod) throw notFound("pods", name);
    return pod;
  }

  #object(kind: string, object: Stored, { request }: Call, code = 200): Response {
    return objectAnswer(kind, { object, request, code, now: this.#parts.clock.now() });
  }
}

/** What the real one answers to the delete of what is gone at once. */
function gone({ metadata: { name, uid } }: Stored, kind: string): Response {
  const details = { name, kind, uid };
  return jsonAnswer(200, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details });
}

function deleteOptions(body: string, { query }: Route, within?: string): DeleteOptions {
  let options: Record<string, unknown> = {};
  try {
    if (body !== "") options = JSON.parse(body);
  } catch {
    throw badRequest("couldn't get version/kind; json parse error: the body is no JSON");
  }
  if (within !== undefined) options = (options[within] ?? {}) as Record<string, unknown>;
  const graceSeconds = options["gracePeriodSeconds"] ?? integerParameter(query, "gracePeriodSeconds");
  const preconditions = options["preconditions"] as DeleteOptions["preconditions"];
  return {
    ...(typeof graceSeconds === "number" ? { gracePeriodSeconds: graceSeconds } : {}),
    ...(preconditions ? { preconditions } : {}),
  };
}
