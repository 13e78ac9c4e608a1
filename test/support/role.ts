import { parseAllDocuments } from "yaml";
import { readFromTree } from "./tree.ts";

interface Rule {
  resources: string[];
  verbs: string[];
}

/** An object of the role that hosts are given. */
export interface RoleObject {
  kind: string;
  metadata: { name: string; namespace: string };
  rules?: Rule[];
}

/** The objects of the role that hosts are given, for a namespace; `without` takes one of its verbs away. */
export function roleObjects(namespace: string, options: { without?: string } = {}): RoleObject[] {
  const objects = objectsIn("scripts/rbac/role.yaml", namespace);
  for (const rule of objects.flatMap(({ rules = [] }) => rules)) {
    rule.verbs = rule.verbs.filter((verb) => verb !== options.without);
  }
  return objects;
}

/** What the role grants, each a verb and a resource: `list pods`. */
export function granted(objects: RoleObject[]): string[] {
  return objects.flatMap(({ rules = [] }) => rules).flatMap(({ verbs, resources }) =>
    resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`))
  );
}

/** The objects of the optional role that lets hosts see nodes; they belong to no namespace, and are named after this one. */
export function nodesRoleObjects(namespace: string): RoleObject[] {
  const text = JSON.stringify(objectsIn("scripts/rbac/nodes.yaml", namespace));
  return JSON.parse(text.replaceAll('"hostfactory-nodes"', `"hostfactory-nodes-${namespace}"`));
}

function objectsIn(file: string, namespace: string): RoleObject[] {
  const text = readFromTree(file).replaceAll("namespace: symphony", `namespace: ${namespace}`);
  return parseAllDocuments(text).map((document) => document.toJS() as RoleObject);
}
