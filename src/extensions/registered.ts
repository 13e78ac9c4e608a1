import type { Files } from "../files.ts";
import type { Kube } from "../kube/kube.ts";
import { KubeError } from "../kube/errors.ts";
import { listPages } from "../kube/list_pages.ts";
import type { ExtensionResource } from "../kube/types.ts";
import { readRegisteredFiles } from "./registered_files.ts";
import { credentialProblems, type ReadRegistration } from "./registration.ts";
import { type JudgedRegistry, judgeRegistrations } from "./registry.ts";
import { readResource } from "./resource.ts";

/**
 * The registered extensions, as a `serve` that starts now would see them.
 * @param world `confdir`: absent: no files; `kube`: absent: no resources of the cluster
 * @throws the system's error if the directory of registrations cannot be listed; KubeError if the resources cannot be
 */
export async function readRegistry(
  { files, confdir, kube }: { files: Files; confdir: string | undefined; kube?: Kube | undefined },
  { signal }: { signal: AbortSignal },
): Promise<JudgedRegistry> {
  const none = { registrations: [], problems: [] };
  const { registrations, problems } = confdir === undefined ? none : await readRegisteredFiles(files, confdir);
  const listed = kube ? await listResources(kube, signal) : [];
  const resources = listed.map((resource) => readResource(resource, confdir));
  const withCredentials = (read: ReadRegistration): ReadRegistration => ({
    ...read,
    problems: [...read.problems, ...read.extension ? credentialProblems(files, read.extension) : []],
  });
  return judgeRegistrations(
    { registrations: registrations.map(withCredentials), problems },
    resources.map(withCredentials),
  );
}

/** The `HostFactoryExtension` resources of the cluster; none if it does not know the kind. */
async function listResources(kube: Kube, signal: AbortSignal): Promise<ExtensionResource[]> {
  const source = { list: kube.listExtensions.bind(kube), watch: kube.watchExtensions.bind(kube) };
  const resources: ExtensionResource[] = [];
  try {
    for await (const { items } of listPages(source, { signal })) resources.push(...items);
  } catch (error) {
    if (!(error instanceof KubeError) || error.kind !== "notFound") throw error;
  }
  return resources;
}
