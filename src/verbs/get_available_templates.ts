import type { TemplatesAnswer } from "../hf/answers.ts";
import { parseTemplateFilter } from "../hf/questions.ts";
import { readCatalogue } from "../templates/catalogue.ts";
import type { Provider } from "./provider.ts";

/** The templates that machines can be requested from; what is wrong with others is in the message. */
export function getAvailableTemplates({ config, workdir }: Provider, input: unknown): TemplatesAnswer {
  const wanted = parseTemplateFilter(input);
  const { templates, problems } = readCatalogue(workdir.files, config.confdir);
  return {
    ...(problems.length > 0 ? { message: summary(problems) } : {}),
    templates: templates.filter((template) => !wanted || wanted.includes(template.templateId)),
  };
}

/** The first problems, each as far as a message can hold it. */
function summary(problems: string[]): string {
  const told = problems.slice(0, 20).map((problem) => problem.slice(0, 500));
  const more = problems.length - told.length;
  return [...told, ...(more > 0 ? [`${more} more cannot be used`] : [])].join("; ");
}
