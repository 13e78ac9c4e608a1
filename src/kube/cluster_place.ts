import { createHash } from "node:crypto";
import type { Login } from "./transport/login.ts";

/** Where a login leads: as much as can be known of which cluster and which namespace that is. */
export interface ClusterPlace {
  /** URL of the API server. */
  server: string;
  namespace: string;
  /** SHA-256 of each certificate authority that the login trusts beside the system's, in hexadecimal. */
  authorities: readonly string[];
  /** The uid of the namespace; absent if it may not be read. */
  namespaceUid?: string | undefined;
  /** The uid of the namespace `kube-system`, which stands for the cluster; absent if unknown, or not needed. */
  clusterUid?: string | undefined;
}

/**
 * Judges the place that a login leads to, before anything else is sent there.
 * @param uidOf asks that place for the uid of a pod; `undefined` if there is no such pod
 * @throws KubeError if nothing may be asked of that place
 */
export type Admit = (
  place: ClusterPlace,
  uidOf: (pod: string) => Promise<string | undefined>,
) => Promise<void> | void;

/** What tells one place from another as far as the login itself says it. A new token leads to the same place. */
export function placeKeyOf({ server, namespace, transport }: Login): string {
  return JSON.stringify([server, namespace, transport.ca]);
}

/** As much of the place as the login itself says. */
export function placeOf({ server, namespace, transport }: Login): ClusterPlace {
  const certificates = transport.ca?.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const authorities = certificates.map((pem) => createHash("sha256").update(pem.replace(/\s+/g, "")).digest("hex"));
  return { server, namespace, authorities };
}
