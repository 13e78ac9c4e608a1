import { isRequestId, parseMachineName } from "../hf/names.ts";
import type { Workdir } from "../workdir/store/workdir.ts";

/** Every machine of the requests in the work directory, by request and index, as the legacy plug-in lists them. */
export function allMachineNames(workdir: Workdir): string[] {
  const { layout } = workdir;
  return allRequestIds(workdir).flatMap((id) => {
    const own = workdir.names(layout.request(id)).map((name) => ({ name, index: parseMachineName(name)?.index ?? 0 }));
    return own.sort((one, other) => one.index - other.index).map(({ name }) => name);
  });
}

/** The ids of all requests, or of all return requests, in the work directory, sorted. */
export function allRequestIds(workdir: Workdir, { returns = false }: { returns?: boolean } = {}): string[] {
  const { layout } = workdir;
  return workdir.directories(returns ? layout.returnRequests : layout.requests).filter(isRequestId).sort();
}
