import { isRequestId } from "../hf/names.ts";
import type { Pod } from "../kube/types.ts";
import {
  REQUEST_ANNOTATION,
  type RequestMemory,
  RequestMemorySchema,
  RETURN_ANNOTATION,
  type ReturnMemory,
  ReturnMemorySchema,
} from "../templates/podspec.ts";
import { parseRecord } from "../workdir/record.ts";

/** What the cluster remembers of the request of a pod; nothing where its annotation does not say it. */
export function requestMemoryOf(pod: Pod | undefined): RequestMemory | undefined {
  const text = pod?.metadata.annotations?.[REQUEST_ANNOTATION];
  return text === undefined ? undefined : parseRecord(RequestMemorySchema, text);
}

/** What the cluster remembers of the return of a pod's machine; nothing where there is no such memory. */
export function returnMemoryOf({ metadata }: Pod): ReturnMemory | undefined {
  const text = metadata.annotations?.[RETURN_ANNOTATION];
  const memory = text === undefined ? undefined : parseRecord(ReturnMemorySchema, text);
  return memory && isRequestId(memory.id) ? memory : undefined;
}
