import type { NewEvent } from "../events/types.ts";
import { newRequestId } from "../hf/names.ts";
import type { Provider } from "./provider.ts";

/** What the legacy plug-in's tools call what each verb was asked (source: `interface-observability.md`, "Other watchers"). */
const CATEGORIES: Readonly<Record<string, NewEvent["category"]>> = {
  "get-available-templates": "template",
  "request-machines": "request",
  "get-request-status": "request-status",
  "request-return-machines": "return",
  "get-return-requests": "return-request",
};

/** Records what a verb was asked and what it answered. */
export function recordIo(
  { events, random }: Pick<Provider, "events" | "random">,
  verb: string,
  { input, output }: { input: unknown; output: object },
): void {
  const category = CATEGORIES[verb];
  if (!events || category === undefined) return;
  const { requestId } = output as { requestId?: unknown };
  const id = typeof requestId === "string" ? requestId : newRequestId(random);
  const pairs = { input: input as Record<string, unknown>, output: output as Record<string, unknown> };
  events.record([{ category, id, pairs }]);
}
