import type { Verb } from "./verb.ts";

export const getAvailableTemplates: Verb = {
  name: "get-available-templates",
  description: "Which templates machines can be requested from",
  failed: { templates: [] },
  defaultInput: {},
  async answer(provider, input) {
    const { getAvailableTemplates } = await import("../verbs/get_available_templates.ts");
    return await getAvailableTemplates(provider, input);
  },
};
