import type { Verb } from "./verb.ts";

export const getReturnRequests: Verb = {
  name: "get-return-requests",
  description: "Which machines the cluster is taking away",
  failed: { requests: [] },
  async answer(provider, input) {
    const { getReturnRequests } = await import("../verbs/get_return_requests.ts");
    return await getReturnRequests(provider, input);
  },
};
