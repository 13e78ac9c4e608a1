import { timestampSeconds } from "../clock.ts";
import type { ObjectMeta } from "../kube/types.ts";

/**
 * The metadata of an object as its file has it: without the bookkeeping of its fields, and beside our camelCase the keys
 * that the legacy plug-in has.
 */
export function legacyMetadata(metadata: ObjectMeta): Record<string, unknown> {
  return {
    ...metadata,
    managedFields: undefined,
    creation_timestamp: timestampSeconds(metadata.creationTimestamp) ?? null,
    deletion_timestamp: timestampSeconds(metadata.deletionTimestamp) ?? null,
    resource_version: metadata.resourceVersion,
  };
}
