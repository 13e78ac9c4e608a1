import type { Clock } from "../../clock.ts";
import { type Access, isAccessReview } from "./access.ts";
import type { Admission } from "../objects/admission.ts";
import { jsonAnswer, objectAnswer, textAnswer } from "./answers.ts";
import type { Collections } from "./collections.ts";
import { discoveryDocument, isHealthPath } from "./discovery.ts";
import type { Interference } from "../faults/interference.ts";
import { type LeaseOperations, LEASES } from "../objects/lease_operations.ts";
import { listPage } from "./listing.ts";
import type { NamespaceController } from "../objects/namespace_controller.ts";
import type { Namespaces } from "../objects/namespaces.ts";
import type { NodeOperations } from "../objects/node_operations.ts";
import type { PodOperations } from "../objects/pod_operations.ts";
import type { Resource, Resources } from "../objects/resources.ts";
import { checkAccepted, readBody } from "../protocol/media.ts";
import { openApiDocument } from "./openapi.ts";
import { deleteOptions, isApply, isDryRun } from "./request_options.ts";
import { isSet, parseRoute, type Route } from "../protocol/route.ts";
import { type ApplyRequest, parseConfiguration } from "../objects/server_side_apply.ts";
import type { StoredOperations } from "../objects/stored_operations.ts";
import type { Etcd } from "../etcd.ts";
import { ApiError, detailsOf, methodNotAllowed, noSuchResource, qualified } from "../protocol/status.ts";
import type { Stored } from "../store/stored.ts";

/** The parts of the cluster that the API gives access to. */
export interface ApiParts {
  clock: Clock;
  access: Access;
  admission: Admission;
  interference: Interference;
  etcd: Etcd;
  resources: Resources;
  collections: Collections;
  podOperations: PodOperations;
  nodeOperations: NodeOperations;
  leaseOperations: LeaseOperations;
  namespaceOperations: Namespaces;
  namespaceController: NamespaceController;
  /** By resource, qualified with its group. */
  storedOperations: Map<string, StoredOperations>;
}

/** A request, and what was read from it. */
interface Call {
  route: Route;
  request: Request;
  body: string;
  contentType: string;
}

/** Turns HTTP requests of the Kubernetes API into answers. */
export class Api {
  readonly #parts: ApiParts;

  constructor(parts: ApiParts) {
    this.#parts = parts;
  }

  /**
   * Answers one request.
   * @throws ConnectionLost if a fault breaks the connection
   */
  async handle(request: Request): Promise<Response> {
    const route = parseRoute(request.method, new URL(request.url));
    const response = await this.#handle(request, route);
    const { clock, interference } = this.#parts;
    response.headers.set("date", new Date(clock.now() + interference.clockAheadMs(route)).toUTCString());
    return response;
  }

  async #handle(request: Request, route: Route): Promise<Response> {
    const { access, interference } = this.#parts;
    try {
      await interference.before(route, request.signal);
      const user = access.authenticate(request.headers);
      if (isHealthPath(route.path)) return textAnswer(200, "ok");
      checkAccepted(request.headers);
      const document = discoveryDocument(route.path) ?? openApiDocument(route.path);
      if (document !== undefined) return jsonAnswer(200, document);
      if (isAccessReview(route)) return jsonAnswer(201, access.review(user, await readBody(request)));
      if (route.resource === "") return textAnswer(404, "404 page not found\n");
      access.authorize(user, route);
      interference.authorize(user.name, route);
      const body = await readBody(request);
      const response = this.#carryOut({ route, request, body, contentType: request.headers.get("content-type") ?? "" });
      for (const warning of route.warnings) response.headers.append("warning", `299 - ${JSON.stringify(warning)}`);
      interference.after(route);
      return response;
    } catch (error) {
      if (error instanceof ApiError) return jsonAnswer(error.code, error.status, error.headers);
      throw error;
    }
  }

  /** Carries out a request. A dry run is carried out like any other, but what it writes has no effect. */
  #carryOut(call: Call): Response {
    return isDryRun(call) ? this.#parts.etcd.dryRun(() => this.#dispatch(call)) : this.#dispatch(call);
  }

  #dispatch(call: Call): Response {
    const { group, resource, namespace } = call.route;
    const stored = this.#parts.storedOperations.get(qualified(resource, group));
    if (stored) return this.#answerStored(call, stored);
    if (group === "coordination.k8s.io" && resource === "leases") return this.#answerLeases(call);
    if (group !== "") throw noSuchResource();
    if (resource === "pods") return this.#answerPods(call);
    if (resource === "nodes" && namespace === "") return this.#answerNodes(call);
    if (resource === "namespaces" && namespace === "") return this.#answerNamespaces(call);
    if (resource === "resourcequotas" && namespace !== "") return this.#answerQuotas(call);
    throw noSuchResource();
  }

  #answerPods(call: Call): Response {
    const { route, body, contentType } = call;
    const { podOperations: operations, collections, resources: { pods } } = this.#parts;
    if (route.verb === "list" || route.verb === "watch") return collections.answer(pods, call);
    if (route.namespace === "") throw methodNotAllowed();
    switch (`${route.verb} ${route.subresource}`.trimEnd()) {
      case "get":
      case "get status":
        return this.#object(pods, collections.get(pods, route), call);
      case "create":
        if (route.name !== "") throw methodNotAllowed();
        return this.#object(pods, operations.create(body, route), call, 201);
      case "create eviction":
        operations.evict(route, deleteOptions(body, route, { within: "deleteOptions" }));
        return jsonAnswer(201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
      case "update":
      case "update status":
        if (route.name === "") throw methodNotAllowed();
        return this.#object(pods, operations.update(body, route), call);
      case "patch":
      case "patch status": {
        if (!isApply(contentType)) return this.#object(pods, operations.patch(body, route, contentType), call);
        const { object, isNew } = operations.apply(applyRequest(call), route);
        return this.#object(pods, object, call, isNew ? 201 : 200);
      }
      case "delete":
        return this.#object(pods, operations.delete(route, deleteOptions(body, route)), call);
      case "deletecollection": {
        const page = listPage({ ...collections.select(pods, route), limit: 0 });
        for (const { metadata } of page.items) {
          // A listed pod may be gone, because of a fault or a cache that is behind.
          if (!pods.store.get(route.namespace, metadata.name!)) continue;
          operations.delete({ namespace: route.namespace, name: metadata.name! }, deleteOptions(body, route));
        }
        return jsonAnswer(200, { kind: "PodList", apiVersion: "v1", ...page });
      }
      default:
        throw route.subresource === "" ? methodNotAllowed() : noSuchResource();
    }
  }

  #answerNodes(call: Call): Response {
    const { route, body, contentType } = call;
    const { nodeOperations: operations, collections, resources: { nodes } } = this.#parts;
    switch (route.verb) {
      case "list":
      case "watch":
        return collections.answer(nodes, call);
      case "get":
        return this.#object(nodes, collections.get(nodes, route), call);
      case "update":
        return this.#object(nodes, operations.update(body, route), call);
      case "patch":
        return this.#object(nodes, operations.patch(body, route, contentType), call);
      case "delete":
        return gone(operations.delete(route), "nodes");
      default:
        throw methodNotAllowed();
    }
  }

  #answerNamespaces(call: Call): Response {
    const { route, body, contentType } = call;
    const { namespaceOperations, namespaceController, collections, resources: { namespaces } } = this.#parts;
    switch (route.verb) {
      case "list":
      case "watch":
        return collections.answer(namespaces, call);
      case "get":
        return this.#object(namespaces, collections.get(namespaces, route), call);
      case "create":
        return this.#object(namespaces, namespaceOperations.create(body, route), call, 201);
      case "update":
        return this.#object(namespaces, namespaceOperations.update(body, route), call);
      case "patch":
        return this.#object(namespaces, namespaceOperations.patch(body, route, contentType), call);
      case "delete":
        return this.#object(namespaces, namespaceController.delete(route.name), call);
      default:
        throw methodNotAllowed();
    }
  }

  #answerLeases(call: Call): Response {
    const { route, body, contentType } = call;
    const { leaseOperations: operations, collections, resources: { leases } } = this.#parts;
    if (route.subresource !== "") throw noSuchResource();
    if (route.verb === "list" || route.verb === "watch") return collections.answer(leases, call);
    if (route.namespace === "") throw methodNotAllowed();
    switch (`${route.verb} ${route.name === "" ? "all" : "one"}`) {
      case "get one":
        return this.#object(leases, collections.get(leases, route), call);
      case "create all":
        return this.#object(leases, operations.create(body, route), call, 201);
      case "update one": {
        const { lease, isNew } = operations.update(body, route);
        return this.#object(leases, lease, call, isNew ? 201 : 200);
      }
      case "patch one":
        return this.#object(leases, operations.patch(body, route, contentType), call);
      case "delete one":
        return gone(operations.delete(route, deleteOptions(body, route).preconditions), LEASES);
      default:
        throw methodNotAllowed();
    }
  }

  #answerQuotas(call: Call): Response {
    const { route, body } = call;
    const { namespace, name } = route;
    const { namespaceOperations: operations, admission, resources: { pods } } = this.#parts;
    const used = { pods: String(admission.usedPods(namespace)) };
    switch (route.verb) {
      case "list": {
        const items = operations.quotasIn(namespace).map((quota) => ({ ...quota, status: { ...quota.status, used } }));
        const metadata = { resourceVersion: String(pods.store.cache.revision) };
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
        const quota = operations.createQuota(body, { namespace, usedPods: admission.usedPods(namespace) });
        return jsonAnswer(201, { kind: "ResourceQuota", apiVersion: "v1", ...quota });
      }
      case "delete":
        return jsonAnswer(200, { kind: "ResourceQuota", apiVersion: "v1", ...operations.deleteQuota(namespace, name) });
      default:
        throw methodNotAllowed();
    }
  }

  #answerStored(call: Call, operations: StoredOperations): Response {
    const { route, body, contentType } = call;
    if (!operations.isDefined) return textAnswer(404, "404 page not found\n");
    const { kind: { isNamespaced, returnsDeleted = false, hasStatus = false } } = operations;
    const { collections, resources: { others } } = this.#parts;
    const resource = others.get(qualified(route.resource, route.group))!;
    const isOfStatus = hasStatus && route.subresource === "status" && ["get", "update", "patch"].includes(route.verb);
    if ((route.subresource !== "" && !isOfStatus) || (!isNamespaced && route.namespace !== "")) throw noSuchResource();
    if (route.verb === "list" || route.verb === "watch") return collections.answer(resource, call);
    if (isNamespaced && route.namespace === "") throw methodNotAllowed();
    switch (`${route.verb} ${route.name === "" ? "all" : "one"}`) {
      case "get one":
        return this.#object(resource, collections.get(resource, route), call);
      case "create all":
        return this.#object(resource, operations.create(body, route), call, 201);
      case "update one":
        return this.#object(resource, operations.update(body, route), call);
      case "patch one": {
        if (!isApply(contentType)) return this.#object(resource, operations.patch(body, route, contentType), call);
        const { object, isNew } = operations.apply(applyRequest(call), route);
        return this.#object(resource, object, call, isNew ? 201 : 200);
      }
      case "delete one": {
        const deleted = operations.delete(route, deleteOptions(body, route).preconditions);
        return returnsDeleted ? this.#object(resource, deleted, call) : gone(deleted, resource.name);
      }
      case "deletecollection all": {
        const page = listPage({ ...collections.select(resource, route), limit: 0 });
        for (const { metadata: { namespace = "", name = "" } } of page.items) operations.delete({ namespace, name });
        return jsonAnswer(200, { kind: `${resource.kind}List`, apiVersion: resource.apiVersion, ...page });
      }
      default:
        throw methodNotAllowed();
    }
  }

  #object<T extends Stored>(resource: Resource<T>, object: T, { request }: Call, code = 200): Response {
    return objectAnswer(resource, { object, request, code, now: this.#parts.clock.now() });
  }
}

/** The answer of the real API server to a delete that takes effect at once. */
function gone({ metadata: { name = "", uid } }: Stored, resource: string): Response {
  const details = { ...detailsOf(resource, name), uid };
  return jsonAnswer(200, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details });
}

function applyRequest({ route: { query, name }, body }: Call): ApplyRequest {
  return {
    configuration: parseConfiguration(body, name),
    manager: query.get("fieldManager") ?? "",
    force: isSet(query, "force"),
  };
}
