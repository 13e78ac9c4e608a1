import { machineName, parseMachineName } from "../../hf/names.ts";
import type { Pod } from "../../kube/types.ts";
import type { RequestMemory } from "../../templates/podspec.ts";
import { readRequestRecord } from "../../workdir/requests.ts";
import type { Workdir } from "../../workdir/store/workdir.ts";
import { type Adoption, decideAdoption } from "./decide.ts";
import { requestMemoryOf } from "../work/pod_memory.ts";

/**
 * What the work directory lacks of a request that pods name, and what the first of these that remembers the request says of
 * it; `undefined` if it lacks nothing, or nothing that says that it has pods holds one.
 */
export function findLostRequest(
  workdir: Workdir,
  { id, indexes, podOf }: { id: string; indexes: number[]; podOf: (machine: string) => Pod | undefined },
): Adoption & { memory: RequestMemory | undefined } | undefined {
  const path = workdir.layout.request(id);
  const isDirectory = workdir.kind(path) === "directory";
  const entries = new Set(isDirectory ? workdir.names(path) : []);
  const isThere = entries.size > 0 || (isDirectory && readRequestRecord(workdir, id) !== undefined);
  if (isThere && indexes.every((index) => entries.has(machineName(id, index)))) return undefined;
  const stored = isThere ? { count: readRequestRecord(workdir, id)?.count, entries } : undefined;
  const sorted = indexes.toSorted((a, b) => a - b);
  let memory: RequestMemory | undefined;
  let hasPod = isThere;
  for (const index of stored ? [] : sorted) {
    const pod = podOf(machineName(id, index));
    if (pod) hasPod = true;
    memory = requestMemoryOf(pod);
    if (memory) break;
  }
  if (!hasPod) return undefined;
  const adoption = decideAdoption({ id, stored, indexes: sorted, memory });
  return adoption && { ...adoption, memory };
}

/** The indexes of machines, by request; what is no machine is left out. */
export function indexesByRequest(machines: Iterable<string>): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const name of machines) {
    const machine = parseMachineName(name);
    if (!machine) continue;
    const indexes = found.get(machine.requestId) ?? [];
    found.set(machine.requestId, indexes);
    indexes.push(machine.index);
  }
  return found;
}
