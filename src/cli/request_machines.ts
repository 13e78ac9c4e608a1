import type { Verb } from "./verb.ts";

export const requestMachines: Verb = {
  name: "request-machines",
  description: "Ask for machines of a template",
  failed: { requestId: "" },
  async answer(provider, input) {
    const { requestMachines } = await import("../verbs/request_machines.ts");
    return await requestMachines(provider, input);
  },
};
