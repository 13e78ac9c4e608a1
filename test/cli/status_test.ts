import assert from "node:assert/strict";
import type { Picture } from "../../src/admin/picture.ts";
import { statusText } from "../../src/cli/status.ts";

Deno.test("however long a template's name is, its numbers can be seen on a narrow terminal", () => {
  const template = { templateId: "x".repeat(60), running: 12, waiting: 3, failed: 4, room: 567, reason: undefined };
  const service = { workdir: "/w", quarantined: [] };
  const picture = { at: 100, service, templates: [template], machines: [], requests: [], returns: [] };
  const text = statusText(picture as unknown as Picture, { verdict: "well", troubles: [] }, 40)
    .map(({ text }) => text).join("");
  assert.match(text, /\nx{16}… {3}12 {5}3 {5}4 {3}567\n/);
});
