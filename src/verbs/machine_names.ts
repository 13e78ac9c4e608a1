import type { NamedMachine } from "../hf/questions.ts";
import { readPodFacts } from "../workdir/pod_file.ts";
import type { Workdir } from "../workdir/store/workdir.ts";

/** The name that each machine goes by; one without a name is found by its id, the uid of its pod. */
export function machineNames(workdir: Workdir, machines: NamedMachine[]): string[] {
  let nameOfUid: Map<string, string> | undefined;
  return machines.map(({ name, machineId }) => {
    if (name !== undefined) return name;
    if (machineId === undefined) return "(no name)";
    nameOfUid ??= new Map(workdir.names(workdir.layout.pods).map((pod) => [uidOf(workdir, pod) ?? "", pod]));
    return nameOfUid.get(machineId) ?? machineId;
  });
}

/** A pod file that cannot be read hides no other. */
function uidOf(workdir: Workdir, pod: string): string | undefined {
  try {
    return readPodFacts(workdir, pod)?.uid;
  } catch {
    return undefined;
  }
}
