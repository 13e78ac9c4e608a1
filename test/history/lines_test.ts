import assert from "node:assert/strict";
import fc from "fast-check";
import type { Entry } from "../../src/history/account.ts";
import { asDocument, Lines } from "../../src/history/lines.ts";

/** Seconds since the epoch of a time on this host. */
function at(hours: number, minutes: number, seconds: number, day = 22): number {
  return new Date(2026, 10, day, hours, minutes, seconds).getTime() / 1000;
}

function entry(more: Partial<Entry>): Entry {
  const from = more.from ?? at(16, 14, 5);
  return { from, until: from, what: "failed", category: "pod", ids: ["a-0"], ...more };
}

function text(entries: readonly Entry[], { columns = Infinity, isWide = false } = {}): string {
  const lines = new Lines({ columns, isWide });
  return entries.flatMap((entry) => lines.of(entry)).map(({ text }) => text).join("");
}

const away = entry({ what: "away", category: "cluster", reason: "503", from: at(16, 6, 36), until: at(16, 7, 18) });
const failed = entry({ ids: ["a-0", "a-1"], template: "crash", reason: "OOMKilled" });

Deno.test("each entry is a line with its time, below its day", () => {
  const next = entry({ from: at(0, 0, 1, 23), what: "ready" });
  assert.equal(
    text([away, failed, next]),
    "2026-11-22\n16:06:36–16:07:18 cluster away: 503\n16:14:05 2 machines of ‘crash’ failed: OOMKilled\n" +
      "2026-11-23\n00:00:01 1 machine ready\n",
  );
});

Deno.test("a line that is too long for the terminal goes on below its sentence", () => {
  assert.equal(
    text([failed, away], { columns: 40 }),
    "2026-11-22\n16:14:05 2 machines of ‘crash’ failed:\n         OOMKilled\n16:06:36–16:07:18 cluster away: 503\n",
  );
});

Deno.test("a time that ends on another day says on which", () => {
  const long = { ...away, from: at(23, 59, 59), until: at(0, 0, 9, 23) };
  assert.equal(text([long]), "2026-11-22\n23:59:59–2026-11-23 00:00:09 cluster away: 503\n");
});

Deno.test("wide lines name machines, the first five", () => {
  const many = entry({ ids: [0, 1, 2, 3, 4, 5, 6].map((index) => `a-${index}`), what: "ready" });
  assert.match(text([many], { isWide: true }), /7 machines ready {2}\[a-0, a-1, a-2, a-3, a-4 and 2 more\]\n$/);
});

Deno.test("no line is wider than the terminal, none drives it, and no word is lost", () => {
  const words = fc.string({ unit: "binary", maxLength: 200 });
  fc.assert(fc.property(words, fc.integer({ min: 25, max: 120 }), (reason, columns) => {
    const lines = text([entry({ reason })], { columns }).split("\n");
    assert.ok(lines.every((line) => line.length <= columns), JSON.stringify(lines));
    assert.doesNotMatch(lines.join(""), /\p{Cc}/u);
    const letters = (all: string) => all.replace(/\s/g, "");
    const whole = text([entry({ reason })]);
    assert.equal(letters(lines.join("")), letters(whole));
  }));
});

Deno.test("for programs an entry has its times in UTC; one that goes on has no end", () => {
  const { from, until, ids, count, text } = asDocument(failed) as Record<string, unknown>;
  const time = new Date(failed.from * 1000).toISOString();
  assert.deepEqual(
    { from, until, ids, count, text },
    { from: time, until: time, ids: ["a-0", "a-1"], count: 2, text: "2 machines of ‘crash’ failed: OOMKilled" },
  );
  assert.equal((asDocument({ ...away, isOpen: true }) as { until?: string }).until, undefined);
});
