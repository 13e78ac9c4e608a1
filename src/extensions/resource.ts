import type { ExtensionResource } from "../kube/types.ts";
import { CREDENTIALS_DIRECTORY, EXTENSIONS_DIRECTORY } from "./registered_files.ts";
import { type ReadRegistration, readRegistration } from "./registration.ts";

/**
 * Checks the registration in a resource.
 * @param confdir absent: there is none, and no credentials can be found
 */
export function readResource({ metadata, spec }: ExtensionResource, confdir: string | undefined): ReadRegistration {
  const { name = "", uid = "" } = metadata;
  return readRegistration(spec, {
    registration: { kind: "resource", name, uid },
    called: name,
    directory: `${confdir ?? ""}/${EXTENSIONS_DIRECTORY}/${CREDENTIALS_DIRECTORY}`,
  });
}
