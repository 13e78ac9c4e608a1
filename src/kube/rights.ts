import type { Right } from "./kube.ts";

/** All rights that `serve` needs: the rules of `scripts/rbac/role.yaml`. */
export const RIGHTS: readonly Right[] = [
  ...rights("", "pods", ["create", "get", "list", "watch", "patch", "delete"]),
  ...rights("coordination.k8s.io", "leases", ["create", "get", "update"]),
  ...rights("", "namespaces", ["get"]),
];

function rights(group: string, resource: string, verbs: string[]): Right[] {
  return verbs.map((verb) => ({ verb, group, resource }));
}
