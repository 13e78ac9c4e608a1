import type { Verb } from "./verb.ts";

export const getRequestStatus: Verb = {
  name: "get-request-status",
  description: "What became of requests and return requests",
  failed: { requests: [] },
  async answer(provider, input) {
    const { getRequestStatus } = await import("../verbs/get_request_status.ts");
    return await getRequestStatus(provider, input);
  },
};
