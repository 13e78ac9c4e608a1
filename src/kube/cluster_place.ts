import { createHash } from "node:crypto";
import type { Login } from "./transport/login.ts";

/** Where a login leads: what is known of the cluster and the namespace. */
export interface ClusterPlace {
  /** URL of the API server. */
  server: string;
  namespace: string;
  /** SHA-256 of each certificate authority that the login trusts beside the system's, in hexadecimal. */
  authorities: readonly string[];
  /** The uid of the namespace; absent if it may not be read. */
  namespaceUid?: string | undefined;
  /** The uid of the namespace `kube-system`, which identifies the cluster; absent if unknown or not needed. */
  clusterUid?: string | undefined;
}

/**
 * Decides whether we may talk to the place that a login leads to, before anything else is sent there.
 * @param uidOf asks that place for the uid of a pod; `undefined` if there is no such pod
 * @throws KubeError if nothing may be sent there
 */
export type Admit = (
  place: ClusterPlace,
  uidOf: (pod: string) => Promise<string | undefined>,
) => Promise<void> | void;

/** A key of the place, from what the login itself says. A new token leads to the same place. */
export function placeKeyOf({ server, namespace, transport }: Login): string {
  return JSON.stringify([server, namespace, transport.ca]);
}

/** The place, as far as the login itself describes it: without uids. */
export function placeOf({ server, namespace, transport }: Login): ClusterPlace {
  const certificates = transport.ca?.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const authorities = certificates.map((pem) => createHash("sha256").update(pem.replace(/\s+/g, "")).digest("hex"));
  return { server, namespace, authorities };
}
