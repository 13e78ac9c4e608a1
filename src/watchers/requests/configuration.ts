import { describeError, HostFactoryError } from "../../errors.ts";
import { logger } from "../../log.ts";
import { manifestPath, readCatalogue, type Template } from "../../templates/catalogue.ts";
import { readConfiguration, type StoredRequest } from "../../workdir/requests.ts";
import type { Dependencies } from "../dependencies.ts";
import { Complaints } from "../work/complaints.ts";
import type { ActiveRequest, TemplateWords } from "./active_request.ts";

const log = logger("extensions");

/** What is wrong with configuration for an extension that there is not. */
const NOT_REGISTERED = new HostFactoryError("no extension of that name is registered", {
  hint: "register it, or remove the configuration from the template: 'hostfactory lint' says where it stands",
});

/**
 * What the template of a request said to extensions, by their names, when the request was accepted. The legacy plug-in keeps
 * neither that nor the template: then it is what the template says today that has the manifest which the request links to.
 * @param machine one that is still to be created
 * @throws SyntaxError or ValiError if what was kept cannot be read any more
 */
export function configurationOf(
  dependencies: Dependencies,
  { id, record }: Pick<ActiveRequest, "id" | "record">,
  machine: string,
): TemplateWords {
  const { workdir } = dependencies;
  if (record) return { templateId: record.templateId, configuration: readConfiguration(workdir, id) ?? {} };
  const linked = workdir.readLink(workdir.layout.requestMachine(id, machine));
  const template = templateOf(dependencies, linked);
  log.info("Request of the legacy plug-in passes the extensions with what a template says today", {
    request: id,
    template: template?.templateId ?? "none has its manifest",
  });
  return { templateId: template?.templateId, configuration: template?.extensions ?? {} };
}

function templateOf({ workdir, registrations }: Dependencies, manifest: string | undefined): Template | undefined {
  const { confdir } = registrations;
  if (confdir === undefined) return undefined;
  try {
    const { templates } = readCatalogue(workdir.files, confdir);
    return templates.find((template) => manifestPath(confdir, template) === manifest);
  } catch (error) {
    log.warn("Templates cannot be read", { error: describeError(error) });
    return undefined;
  }
}

/** Says, once of each, to which extensions templates speak that are not registered. */
export class UnregisteredExtensions {
  readonly #dependencies: Dependencies;
  readonly #complaints = new Complaints((extension, error) =>
    log.warn("Configuration for an extension", { extension, error })
  );

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies;
  }

  /** Looks at what the template of a request said. */
  look({ id, record }: StoredRequest): void {
    const { workdir, registrations } = this.#dependencies;
    if (!record || !registrations.isSettled) return;
    const known = new Set(registrations.judged.map(({ name }) => name));
    try {
      for (const name of Object.keys(readConfiguration(workdir, id) ?? {})) {
        if (!known.has(name)) this.#complaints.note(name, NOT_REGISTERED);
      }
    } catch {
      // Preparation reports a configuration that cannot be read.
    }
  }
}
