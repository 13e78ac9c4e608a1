import { HostFactoryError } from "../errors.ts";
import { type Catalogue, manifestPath, NO_LIMIT, type Template, TEMPLATES_FILE } from "../templates/catalogue.ts";
import { MachinesInUse } from "../workdir/index/machines_in_use.ts";
import type { Provider } from "./provider.ts";

/** How many more machines there may be of the templates that have a limit. */
export class Capacity {
  readonly #inUse: MachinesInUse;

  constructor({ config, workdir }: Provider, { templates }: Catalogue) {
    const pathOf = (template: Template) => manifestPath(config.confdir ?? "", template);
    this.#inUse = new MachinesInUse(
      workdir,
      (path) => templates.find((template) => pathOf(template) === path)?.templateId,
    );
  }

  /** The templates, those with a limit with how many machines can be had of them now. @throws if that cannot be known */
  withAvailable(templates: Template[]): Template[] {
    this.#inUse.refresh();
    const limited = templates.filter(({ maxNumber }) => maxNumber !== NO_LIMIT);
    this.#inUse.look(new Set(limited.map(({ templateId }) => templateId)));
    return templates.map((template) => {
      const { templateId, maxNumber } = template;
      if (maxNumber === NO_LIMIT) return template;
      return { ...template, availableNumber: Math.max(0, maxNumber - this.#inUse.most(templateId)) };
    });
  }

  /** @throws HostFactoryError with the numbers if so many more would be more than there may be */
  check({ templateId, maxNumber }: Template, count: number): void {
    this.#inUse.refresh();
    // Most often there is room for all that can be in use, and no machine needs to be looked at.
    if (this.#inUse.most(templateId) + count <= maxNumber) return;
    this.#inUse.look(new Set([templateId]));
    const inUse = this.#inUse.most(templateId);
    if (inUse + count <= maxNumber) return;
    const free = Math.max(0, maxNumber - inUse);
    throw new HostFactoryError(
      `Cannot provide ${count} machine(s) of template '${templateId}': ` +
        `${inUse} of at most ${maxNumber} are in use, ${free} can be had`,
      { hint: `ask for fewer, wait until some are given back, or raise maxNumber in '${TEMPLATES_FILE}'` },
    );
  }

  /** Keeps for the next verb what was found, if that can be written. */
  save(): void {
    this.#inUse.save();
  }
}
