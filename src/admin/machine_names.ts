import { isRequestId, parseMachineName } from "../hf/names.ts";
import type { Workdir } from "../workdir/store/workdir.ts";

/** Every machine that a request which is kept names: by request and index. As the legacy plug-in lists them, which knows no more. */
export function allMachineNames(workdir: Workdir): string[] {
  const { layout } = workdir;
  return allRequestIds(workdir).flatMap((id) => {
    const own = workdir.names(layout.request(id)).map((name) => ({ name, index: parseMachineName(name)?.index ?? 0 }));
    return own.sort((one, other) => one.index - other.index).map(({ name }) => name);
  });
}

/** The ids of all requests, or of all return requests, that are kept, sorted. */
export function allRequestIds(workdir: Workdir, { returns = false }: { returns?: boolean } = {}): string[] {
  const { layout } = workdir;
  return workdir.directories(returns ? layout.returnRequests : layout.requests).filter(isRequestId).sort();
}
