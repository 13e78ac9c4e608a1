import type { Verb } from "./verb.ts";

export const requestReturnMachines: Verb = {
  name: "request-return-machines",
  description: "Give machines back",
  failed: { requestId: "" },
  async answer(provider, input) {
    const { requestReturnMachines } = await import("../verbs/request_return_machines.ts");
    return await requestReturnMachines(provider, input);
  },
};
