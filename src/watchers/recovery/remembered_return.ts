import { parseMachineName } from "../../hf/names.ts";
import type { Pod } from "../../kube/types.ts";
import type { ReturnMemory } from "../../templates/podspec.ts";
import { readRequest } from "../../workdir/requests.ts";
import type { Dependencies } from "../dependencies.ts";
import { isSigned, returnMemoryOf } from "../work/pod_memory.ts";

/**
 * The return request that a pod of ours remembers, if that is to be believed: others may annotate pods, too. It is believed if
 * this work directory has signed it, or has lost the machine's request, and perhaps its key with it.
 */
export function rememberedReturn(
  pod: Pod,
  { workdir, identity }: Pick<Dependencies, "workdir" | "identity">,
): ReturnMemory | undefined {
  const memory = returnMemoryOf(pod);
  if (!memory) return undefined;
  // Of most, only the signature need be looked at: to read the request takes as long as it has machines.
  if (isSigned(memory, { pod, identity })) return memory;
  const requestId = parseMachineName(pod.metadata.name ?? "")?.requestId;
  return requestId !== undefined && !readRequest(workdir, requestId) ? memory : undefined;
}
