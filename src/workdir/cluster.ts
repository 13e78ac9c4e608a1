import { createHash } from "node:crypto";
import * as v from "valibot";
import { describeError, HostFactoryError } from "../errors.ts";
import { readRecord } from "./store/record.ts";
import type { Workdir } from "./store/workdir.ts";

const ClusterSchema = v.object({
  version: v.literal(1),
  server: v.string(),
  namespace: v.string(),
  authorities: v.array(v.string()),
  namespaceUid: v.optional(v.string()),
  clusterUid: v.optional(v.string()),
});

/** Which cluster and namespace the machines of a work directory are in: see `ClusterPlace` of `kube/`. */
export interface KnownCluster {
  server: string;
  namespace: string;
  authorities: readonly string[];
  namespaceUid?: string | undefined;
  clusterUid?: string | undefined;
}

/** Nothing if none has been noted. */
export function readCluster(workdir: Workdir): KnownCluster | undefined {
  const record = readRecord(workdir, workdir.layout.cluster, ClusterSchema);
  return record && mergeCluster(record, record);
}

/**
 * Notes, durably, which it is. That machines of another one are gone has to survive a power failure before that does: they
 * would come back in a cluster that is not the directory's any more.
 * @throws HostFactoryError if that cannot be written
 */
export async function writeCluster(workdir: Workdir, cluster: KnownCluster): Promise<void> {
  const { files, layout } = workdir;
  try {
    const known = readCluster(workdir);
    if (known && !isSameCluster(known, cluster)) {
      for (const directory of [layout.pods, layout.podsStatus, layout.requests]) await files.sync(directory);
    }
    await workdir.writeDurably(layout.cluster, `${JSON.stringify({ version: 1, ...cluster })}\n`);
    await files.sync(layout.root);
  } catch (error) {
    throw new HostFactoryError(`Cannot note which cluster the machines are in: ${describeError(error)}`, {
      cause: error,
      hint: `see that '${layout.cluster}' is a file, and writable for this user`,
    });
  }
}

/**
 * True if both are the same namespace of the same cluster. A namespace's uid decides by itself if both have one, as no two
 * namespaces ever share it; else the cluster's does. Without either, everything that is known has to agree: one authority
 * may vouch for several clusters behind one gateway, and one name may lead to another cluster tomorrow.
 */
export function isSameCluster(one: KnownCluster, other: KnownCluster): boolean {
  if (one.namespace !== other.namespace) return false;
  if (one.namespaceUid !== undefined && other.namespaceUid !== undefined) {
    return one.namespaceUid === other.namespaceUid;
  }
  if (one.clusterUid !== undefined && other.clusterUid !== undefined) return one.clusterUid === other.clusterUid;
  const sharesAuthority = one.authorities.some((authority) => other.authorities.includes(authority));
  const hasNone = one.authorities.length === 0 && other.authorities.length === 0;
  return one.server === other.server && (sharesAuthority || hasNone);
}

/** What is known of a cluster after it was seen once more. */
export function mergeCluster(known: KnownCluster, seen: KnownCluster): KnownCluster {
  const { server, namespace, authorities } = seen;
  const [namespaceUid, clusterUid] = [seen.namespaceUid ?? known.namespaceUid, seen.clusterUid ?? known.clusterUid];
  return { server, namespace, authorities, namespaceUid, clusterUid };
}

/** A short word for a cluster and namespace, for an operator to say which one is meant. */
export function clusterFingerprint(cluster: KnownCluster): string {
  const { server, namespace, authorities, namespaceUid, clusterUid } = cluster;
  const told = namespaceUid ?? [clusterUid ?? [server, ...authorities], namespace];
  return createHash("sha256").update(JSON.stringify(told)).digest("hex").slice(0, 12);
}

/** For a message: `namespace 'grid' (uid 1234…) of https://api:6443`. */
export function describeCluster({ server, namespace, namespaceUid }: KnownCluster): string {
  return `namespace '${namespace}'${namespaceUid === undefined ? "" : ` (uid ${namespaceUid})`} of ${server}`;
}
