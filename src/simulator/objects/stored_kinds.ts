import { type Cause, qualified } from "../protocol/status.ts";
import { isSame } from "../protocol/same_value.ts";
import type { Stored } from "../store/stored.ts";

/** An object that the simulator keeps but does nothing with. */
export interface StoredObject extends Stored {
  [field: string]: unknown;
}

/** A kind of objects that are only stored, and its resource. */
export interface StoredKind {
  resource: string;
  /** Empty for the core group; the version is always `v1`. */
  group: string;
  kind: string;
  isNamespaced: boolean;
  shortNames?: string[];
  /** Fields that can be selected in addition to name and namespace. */
  selectable?: Record<string, (object: StoredObject) => unknown>;
  /** Fields that every object gets if it lacks them. */
  defaults?: Record<string, unknown>;
  /** True: a delete is answered with the object; else with a Status. */
  returnsDeleted?: boolean;
  /** True: the status can be changed only by its subresource. */
  hasStatus?: boolean;
  /** The CustomResourceDefinition without which the kind does not exist, and whose schema its objects must match. */
  definedBy?: string;
  /** What is wrong with an object, or with the change of one. */
  validate?: (object: StoredObject, before: StoredObject | undefined) => Cause[];
}

const RBAC = "rbac.authorization.k8s.io";
const APIEXTENSIONS = "apiextensions.k8s.io";
/** Our own API group: that of the only kind of custom resource that the simulator supports. */
const EXTENSIONS = "hostfactory.symphony";

/** The resource of definitions of custom resources. */
export const DEFINITIONS: string = `customresourcedefinitions.${APIEXTENSIONS}`;

/** What an event is about, as field selectors name it. */
const involved = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"].map((field) =>
  [
    `involvedObject.${field}`,
    ({ involvedObject }: StoredObject) => (involvedObject as Record<string, unknown> | undefined)?.[field],
  ] as const
);

/** The kinds that are only stored, so that manifests for a real cluster can be applied to the simulator, too. */
export const storedKinds: StoredKind[] = [
  { resource: "configmaps", group: "", kind: "ConfigMap", isNamespaced: true, shortNames: ["cm"] },
  {
    resource: "events",
    group: "",
    kind: "Event",
    isNamespaced: true,
    shortNames: ["ev"],
    selectable: {
      ...Object.fromEntries(involved),
      reason: ({ reason }) => reason,
      reportingComponent: ({ reportingComponent }) => reportingComponent,
      source: ({ source }) => (source as { component?: string }).component,
      type: ({ type }) => type,
    },
    defaults: {
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      eventTime: null,
      reportingComponent: "",
      reportingInstance: "",
    },
  },
  {
    resource: "serviceaccounts",
    group: "",
    kind: "ServiceAccount",
    isNamespaced: true,
    shortNames: ["sa"],
    returnsDeleted: true,
  },
  ...[["roles", "Role", true], ["clusterroles", "ClusterRole", false]].map((role) => roleKind(role as RoleArguments)),
  ...[["rolebindings", "RoleBinding", true], ["clusterrolebindings", "ClusterRoleBinding", false]].map((binding) =>
    bindingKind(binding as RoleArguments)
  ),
  {
    resource: "customresourcedefinitions",
    group: APIEXTENSIONS,
    kind: "CustomResourceDefinition",
    isNamespaced: false,
    shortNames: ["crd", "crds"],
    defaults: { status: { conditions: [{ type: "Established", status: "True" }] } },
  },
  {
    resource: "hostfactoryextensions",
    group: EXTENSIONS,
    kind: "HostFactoryExtension",
    isNamespaced: true,
    shortNames: ["hfext"],
    hasStatus: true,
    definedBy: `hostfactoryextensions.${EXTENSIONS}`,
  },
];

type RoleArguments = [resource: string, kind: string, isNamespaced: boolean];

/** The resource of a kind as errors name it. */
export function resourceName({ resource, group }: StoredKind): string {
  return qualified(resource, group);
}

function roleKind([resource, kind, isNamespaced]: RoleArguments): StoredKind {
  return { resource, group: RBAC, kind, isNamespaced, defaults: { rules: null }, validate: validateRules };
}

function bindingKind([resource, kind, isNamespaced]: RoleArguments): StoredKind {
  const roles = isNamespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
  return {
    resource,
    group: RBAC,
    kind,
    isNamespaced,
    validate: (object, before) => before ? validateRoleChange(object, before) : validateRoleRef(object, roles),
  };
}

interface Rule {
  verbs?: string[];
  apiGroups?: string[];
  resources?: string[];
  nonResourceURLs?: string[];
}

function validateRules({ rules }: StoredObject): Cause[] {
  return ((rules ?? []) as Rule[]).flatMap(({ verbs, apiGroups, resources, nonResourceURLs }, position) => {
    const field = `rules[${position}]`;
    const causes: Cause[] = [];
    if (!verbs?.length) causes.push(required(`${field}.verbs`, ": verbs must contain at least one value"));
    if (nonResourceURLs?.length) return causes;
    if (!apiGroups?.length) {
      causes.push(required(`${field}.apiGroups`, ": resource rules must supply at least one api group"));
    }
    if (!resources?.length) {
      causes.push(required(`${field}.resources`, ": resource rules must supply at least one resource"));
    }
    return causes;
  });
}

interface RoleRef {
  apiGroup?: string;
  kind?: string;
  name?: string;
}

function validateRoleRef({ roleRef }: StoredObject, roles: string[]): Cause[] {
  const { kind = "", name = "" } = (roleRef ?? {}) as RoleRef;
  const causes: Cause[] = [];
  if (!roles.includes(kind)) {
    const supported = roles.map((role) => `"${role}"`).join(", ");
    const message = `Unsupported value: "${kind}": supported values: ${supported}`;
    causes.push({ reason: "FieldValueNotSupported", message, field: "roleRef.kind" });
  }
  if (name === "") causes.push(required("roleRef.name"));
  return causes;
}

function validateRoleChange({ roleRef }: StoredObject, before: StoredObject): Cause[] {
  if (isSame(roleRef, before["roleRef"])) return [];
  const { apiGroup = "", kind = "", name = "" } = (roleRef ?? {}) as RoleRef;
  const shown = JSON.stringify({ APIGroup: apiGroup, Kind: kind, Name: name });
  const message = `Invalid value: ${shown}: cannot change roleRef`;
  return [{ reason: "FieldValueInvalid", message, field: "roleRef" }];
}

function required(field: string, why = ""): Cause {
  return { reason: "FieldValueRequired", message: `Required value${why}`, field };
}
