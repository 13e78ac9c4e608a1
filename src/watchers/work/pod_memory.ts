import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { isRequestId } from "../../hf/names.ts";
import type { Pod } from "../../kube/types.ts";
import {
  REQUEST_ANNOTATION,
  type RequestMemory,
  RequestMemorySchema,
  RETURN_ANNOTATION,
  type ReturnMemory,
  ReturnMemorySchema,
} from "../../templates/podspec.ts";
import type { Identity } from "../../workdir/identity.ts";
import { parseRecord } from "../../workdir/store/record.ts";

/** What the cluster remembers of the request of a pod; `undefined` if its annotation does not say it. */
export function requestMemoryOf(pod: Pod | undefined): RequestMemory | undefined {
  const text = pod?.metadata.annotations?.[REQUEST_ANNOTATION];
  return text === undefined ? undefined : parseRecord(RequestMemorySchema, text);
}

/** What the cluster remembers of the return of a pod's machine; `undefined` if there is no such memory. */
export function returnMemoryOf({ metadata }: Pod): ReturnMemory | undefined {
  const text = metadata.annotations?.[RETURN_ANNOTATION];
  const memory = text === undefined ? undefined : parseRecord(ReturnMemorySchema, text);
  return memory && isRequestId(memory.id) ? memory : undefined;
}

/** What tells that the work directory with this key has written that a machine, by the uid of its pod, is in a return request. */
export function signatureOf({ id, uid, key }: { id: string; uid: string; key: string }): string {
  return createHmac("sha256", key).update(`${uid} ${id}`).digest("hex");
}

/** True if the work directory with this identity has written what a pod remembers of its return. */
export function isSigned(
  { id, signature = "" }: ReturnMemory,
  { pod, identity: { key } }: { pod: Pod; identity: Identity },
): boolean {
  const expected = Buffer.from(signatureOf({ id, uid: pod.metadata.uid ?? "", key }));
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
