import { type FieldType, type ObjectType, objectTypes } from "../protocol/schema.ts";
import { apiResources } from "./discovery.ts";

/**
 * The documents at `/openapi`, as far as clients need them to check fields, to explain kinds and to merge what they
 * apply: types and field names as recorded from the real one, without descriptions. Paths have only their PATCH.
 */
export function openApiDocument(path: string): unknown {
  if (path === "/openapi/v2") return versionTwo();
  if (path === "/openapi/v3") {
    const groups = Object.keys(apiResources).map((group) => [group, { serverRelativeURL: `/openapi/v3/${group}` }]);
    return { paths: Object.fromEntries(groups) };
  }
  const group = path.replace(/^\/openapi\/v3\//, "");
  return Object.hasOwn(apiResources, group) ? versionThree(group) : undefined;
}

const INFO = { title: "Kubernetes", version: "1.36" };

function versionThree(group: string): unknown {
  const schemas = schemasOf("#/components/schemas/");
  return { openapi: "3.0.0", info: INFO, paths: pathsOf(group, versionThreeBody), components: { schemas } };
}

function versionTwo(): unknown {
  const paths = Object.keys(apiResources).map((group) => pathsOf(group, () => ({ consumes: PATCH_TYPES })));
  return { swagger: "2.0", info: INFO, paths: Object.assign({}, ...paths), definitions: schemasOf("#/definitions/") };
}

const PATCH_TYPES = ["json-patch+json", "merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"]
  .map((type) => `application/${type}`);

function versionThreeBody(): unknown {
  return { requestBody: { content: Object.fromEntries(PATCH_TYPES.map((type) => [type, { schema: {} }])) } };
}

/** The PATCH of each resource, from which clients learn what its kind supports. */
function pathsOf(group: string, bodyOf: () => unknown): Record<string, unknown> {
  const whole = (apiResources[group] ?? []).filter(({ name, verbs }) => !name.includes("/") && verbs.includes("patch"));
  return Object.fromEntries(whole.map(({ name, namespaced, kind }) => {
    const place = namespaced ? "namespaces/{namespace}/" : "";
    const parameters = ["dryRun", "fieldManager", "fieldValidation"].map((parameter) => ({
      name: parameter,
      in: "query",
      schema: { type: "string" },
    }));
    const patch = {
      parameters,
      ...bodyOf() as object,
      responses: {},
      "x-kubernetes-action": "patch",
      "x-kubernetes-group-version-kind": groupVersionKind(group, kind),
    };
    return [`/${group}/${place}${name}/{name}`, { patch }];
  }));
}

function schemasOf(prefix: string): Record<string, unknown> {
  return Object.fromEntries(objectTypes().map((type) => [type.name, objectSchema(type, prefix)]));
}

function objectSchema({ name, fields }: ObjectType, prefix: string): unknown {
  const properties = [...fields].map(([field, type]) => [field, schemaOf(type, prefix)]);
  const group = Object.keys(apiResources).find((group) => apiResources[group]!.some(({ kind }) => kind === name));
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    ...(group === undefined ? {} : { "x-kubernetes-group-version-kind": [groupVersionKind(group, name)] }),
  };
}

function schemaOf(type: FieldType, prefix: string): unknown {
  switch (type.is) {
    case "object":
      return { $ref: `${prefix}${type.name}` };
    case "map":
      return { type: "object", additionalProperties: schemaOf(type.of, prefix) };
    case "list":
      return {
        type: "array",
        items: schemaOf(type.of, prefix),
        ...(type.mergeKey === undefined
          ? {}
          : { "x-kubernetes-patch-merge-key": type.mergeKey, "x-kubernetes-patch-strategy": "merge" }),
      };
    case "value":
      return VALUES[type.name] ?? { type: type.name };
  }
}

const VALUES: Record<string, unknown> = {
  any: { type: "object" },
  int32: { type: "integer", format: "int32" },
  int64: { type: "integer", format: "int64" },
  "int-or-string": { "x-kubernetes-int-or-string": true },
  quantity: { type: "string" },
  time: { type: "string", format: "date-time" },
};

/** `api/v1`, or `apis/GROUP/VERSION`. */
function groupVersionKind(path: string, kind: string): { group: string; version: string; kind: string } {
  const [, first = "", version] = path.split("/");
  return version === undefined ? { group: "", version: first, kind } : { group: first, version, kind };
}
