import assert from "node:assert/strict";
import { startLogging } from "../../src/log.ts";
import { FailureLog } from "../../src/workdir/failure_log.ts";
import { MemoryFiles } from "../support/memory_files.ts";

function told(note: (log: FailureLog) => void): string[] {
  const lines: string[] = [];
  startLogging({
    level: "info",
    file: undefined,
    files: new MemoryFiles(),
    writeError: (line) => void lines.push(line.slice(25)),
  });
  const log = new FailureLog();
  note(log);
  log.tell();
  log.tell();
  return lines;
}

Deno.test("machines that failed for one reason are told in one warning, once", () => {
  const lines = told((log) => {
    for (const machine of ["a-0", "a-1", "a-2"]) log.note(machine, "OOMKilled");
    log.note("b-0", "Evicted");
  });
  assert.deepEqual(lines, [
    "warning machines: Machines failed machine=a-0 others=2 reason=OOMKilled",
    "warning machines: Machines failed machine=b-0 reason=Evicted",
  ]);
});

Deno.test("however many reasons there are, a batch is told in six lines", () => {
  const lines = told((log) => {
    for (let n = 0; n < 100; n++) log.note(`a-${n}`, `reason ${n}`);
  });
  assert.equal(lines.length, 6);
  assert.equal(lines[5], "warning machines: Machines failed for other reasons machine=a-5 machines=95");
});
