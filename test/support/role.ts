import { parseAllDocuments } from "yaml";
import { readFromTree } from "./tree.ts";

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

/** An object of the role that hosts are given. */
export interface RoleObject {
  kind: string;
  metadata: { name: string; namespace: string };
  rules?: Rule[];
}

/**
 * The objects of the role that hosts are given, for a namespace.
 * @param options `without` takes something away that it grants: a resource, or one verb of it, as `granted` words that
 */
export function roleObjects(namespace: string, { without }: { without?: string } = {}): RoleObject[] {
  const objects = objectsIn("scripts/rbac/role.yaml", namespace);
  if (without === undefined) return objects;
  const isKept = (verb: string, resource: string) => ![resource, `${verb} ${resource}`].includes(without);
  return objects.map(({ rules, ...object }) => ({
    ...object,
    ...(rules &&
      { rules: each(rules).filter(({ verbs: [verb = ""], resources: [resource = ""] }) => isKept(verb, resource)) }),
  }));
}

/** The objects of that role under another name. */
export function objectsOfRole(namespace: string, name: string): RoleObject[] {
  return JSON.parse(JSON.stringify(roleObjects(namespace)).replaceAll('"hostfactory"', JSON.stringify(name)));
}

/** The same rules, each with one verb for one resource. */
function each(rules: Rule[]): Rule[] {
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    resources.flatMap((resource) => verbs.map((verb) => ({ apiGroups, resources: [resource], verbs: [verb] })))
  );
}

/** What the role grants, each a verb and a resource: `list pods`. */
export function granted(objects: RoleObject[]): string[] {
  return each(objects.flatMap(({ rules = [] }) => rules)).map(({ verbs, resources }) => `${verbs} ${resources}`);
}

/**
 * The objects of an optional role that lets hosts see nodes, or what the cluster says of them; they belong to no namespace, and
 * are named after this one.
 */
export function clusterRoleObjects(what: "nodes" | "kube-events", namespace: string): RoleObject[] {
  const text = JSON.stringify(objectsIn(`scripts/rbac/${what}.yaml`, namespace));
  return JSON.parse(text.replaceAll(`"hostfactory-${what}"`, `"hostfactory-${what}-${namespace}"`));
}

/** The objects of the optional role that lets hosts follow extensions. */
export function extensionsRoleObjects(namespace: string): RoleObject[] {
  return objectsIn("scripts/rbac/extensions.yaml", namespace);
}

/** The objects of the optional roles for who takes pods away to try things out. */
export function disruptionsRoleObjects(namespace: string): RoleObject[] {
  return objectsIn("scripts/rbac/disruptions.yaml", namespace);
}

function objectsIn(file: string, namespace: string): RoleObject[] {
  const text = readFromTree(file).replaceAll("namespace: symphony", `namespace: ${namespace}`);
  return parseAllDocuments(text).map((document) => document.toJS() as RoleObject);
}
