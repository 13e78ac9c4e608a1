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
  const text = readFromTree("scripts/rbac/role.yaml").replaceAll("namespace: symphony", `namespace: ${namespace}`);
  const objects = parseAllDocuments(text).map((document) => document.toJS() as RoleObject);
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
