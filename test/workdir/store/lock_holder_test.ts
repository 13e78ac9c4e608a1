import assert from "node:assert/strict";
import { doubtService, type LockHolder, noteHolder } from "../../../src/workdir/store/lock_holder.ts";
import { memoryProvider } from "../../support/memory_provider.ts";

const now = Date.UTC(2026, 10, 21, 12);
const at = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString();

function doubtOf(holder: Partial<LockHolder> | undefined): string | undefined {
  const { workdir } = memoryProvider();
  const whole = { host: "h", pid: 1, command: "hostfactory serve", since: at(7_200), ...holder };
  if (holder) noteHolder(workdir, "expiry", whole);
  return doubtService(workdir, "expiry", now);
}

const cases: [what: string, holder: Partial<LockHolder> | undefined, doubt: RegExp | undefined][] = [
  ["is there now", { seenAt: at(5) }, undefined],
  ["was there within the minute", { seenAt: at(59) }, undefined],
  ["is said to be there in the future, by a clock that is ahead", { seenAt: at(-3_600) }, undefined],
  ["never was there", undefined, /^'\/work' has not been served yet: start 'hostfactory serve'/],
  [
    "was there an hour ago",
    { seenAt: at(3_600) },
    /^'\/work' has not been served since 2026-11-21T11:00:00.000Z: start/,
  ],
  [
    "is of an older version, which notes no more than its start",
    {},
    /^'\/work' has not been served since 2026-11-21T10:/,
  ],
  ["is a standby", { seenAt: at(5), standby: "b has it" }, /^'\/work' is not served now: b has it$/],
  [
    "was cut off",
    { seenAt: at(600), standby: "no lease" },
    /^'\/work' has not been served since 2026-11-21T11:50:.*: no lease$/,
  ],
];
for (const [what, holder, doubt] of cases) {
  Deno.test(`a watcher that ${what} ${doubt ? "does not serve" : "serves"}`, () => {
    const said = doubtOf(holder);
    if (doubt) assert.match(said ?? "", doubt);
    else assert.equal(said, undefined);
  });
}
