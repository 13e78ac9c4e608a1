import { describeError, HostFactoryError } from "../errors.ts";
import type { TemplatesAnswer } from "../hf/answers.ts";
import { parseTemplateFilter } from "../hf/questions.ts";
import { type Catalogue, NO_LIMIT, readCatalogue, type Template } from "../templates/catalogue.ts";
import { Capacity } from "./capacity.ts";
import type { Provider } from "./provider.ts";

/**
 * The templates that machines can be requested from, those with a limit with how many machines can be had of them now; what
 * is wrong with others, or with the work directory, is in the message.
 */
export function getAvailableTemplates(provider: Provider, input: unknown): TemplatesAnswer {
  const wanted = parseTemplateFilter(input);
  const catalogue = readCatalogue(provider.files, provider.config.confdir);
  const asked = catalogue.templates.filter((template) => !wanted || wanted.includes(template.templateId));
  const { templates, problem } = withAvailable(provider, asked, catalogue);
  const problems = [...(problem ? [problem] : []), ...catalogue.problems];
  return { ...(problems.length > 0 ? { message: summary(problems) } : {}), templates: templates.map(withoutSecrets) };
}

/** What a template says to extensions may be a token, and Symphony logs what it is answered. */
function withoutSecrets({ extensions: _, ...template }: Template): object {
  return template;
}

/**
 * What is not known is left out: to say that all is free would make Symphony ask for what it cannot have.
 * @throws HostFactoryError if the work directory is not to be used
 */
function withAvailable(
  provider: Provider,
  templates: Template[],
  catalogue: Catalogue,
): { templates: Template[]; problem?: string } {
  if (templates.every(({ maxNumber }) => maxNumber === NO_LIMIT)) return { templates };
  const { workdir } = provider;
  try {
    workdir.check({ reads: true });
    if (workdir.kind(workdir.layout.requests) !== "directory") {
      return { templates, problem: `availableNumber is left out: there is no '${workdir.layout.requests}' yet` };
    }
    const capacity = new Capacity(provider, catalogue);
    const counted = capacity.withAvailable(templates);
    capacity.save();
    return { templates: counted };
  } catch (error) {
    if (error instanceof HostFactoryError) throw error;
    const problem = `availableNumber is left out: cannot see which machines are in use: ${describeError(error)}`;
    return { templates, problem };
  }
}

/** The first problems, each as far as a message can hold it. */
function summary(problems: string[]): string {
  const told = problems.slice(0, 20).map((problem) => problem.slice(0, 500));
  const more = problems.length - told.length;
  return [...told, ...(more > 0 ? [`${more} more cannot be used`] : [])].join("; ");
}
