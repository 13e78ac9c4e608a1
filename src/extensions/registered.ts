import type { Files } from "../files.ts";
import type { Kube } from "../kube/kube.ts";
import { listPages } from "../kube/list_pages.ts";
import { readRegisteredFiles } from "./registered_files.ts";
import { credentialProblems, type ReadRegistration } from "./registration.ts";
import { type JudgedRegistry, judgeRegistrations } from "./registry.ts";
import { readResource } from "./resource.ts";

/**
 * What is registered now, as a `serve` that starts now would see it.
 * @param world `confdir`: absent: no files; `kube`: absent: no resources of the cluster
 * @throws the system's error if the directory of registrations cannot be listed; KubeError if the resources cannot be
 */
export async function readRegistry(
  { files, confdir, kube }: { files: Files; confdir: string | undefined; kube?: Kube | undefined },
  { signal }: { signal: AbortSignal },
): Promise<JudgedRegistry> {
  const none = { registrations: [], problems: [] };
  const { registrations, problems } = confdir === undefined ? none : await readRegisteredFiles(files, confdir);
  const resources: ReadRegistration[] = [];
  if (kube) {
    const source = { list: kube.listExtensions.bind(kube), watch: kube.watchExtensions.bind(kube) };
    for await (const { items } of listPages(source, { signal })) {
      resources.push(...items.map((resource) => readResource(resource, confdir)));
    }
  }
  const withCredentials = (read: ReadRegistration): ReadRegistration => ({
    ...read,
    problems: [...read.problems, ...read.extension ? credentialProblems(files, read.extension) : []],
  });
  return judgeRegistrations(
    { registrations: registrations.map(withCredentials), problems },
    resources.map(withCredentials),
  );
}
