import { type Catalogue, readCatalogue } from "../templates/catalogue.ts";
import { allMachineNames, allRequestIds } from "./machine_names.ts";
import type { ReadAccess } from "./open_picture.ts";

/** The names that a command line may contain, for completion. A directory that cannot be read counts as empty. */
export function knownNames({ config, workdir, files }: ReadAccess) {
  const orNone = (read: () => string[]) => () => {
    try {
      return read();
    } catch {
      return [];
    }
  };
  const templates = (): Catalogue["templates"] => readCatalogue(files, config.confdir).templates;
  return {
    templates: orNone(() => templates().map(({ templateId }) => templateId)),
    requests: orNone(() => allRequestIds(workdir)),
    returns: orNone(() => allRequestIds(workdir, { returns: true })),
    machines: orNone(() => allMachineNames(workdir)),
    nodes: orNone(() => workdir.names(workdir.layout.nodes).sort()),
  };
}
