import type { Clock } from "../../src/clock.ts";
import type { LogLevel } from "../../src/config.ts";
import { startLogging, tellGathered } from "../../src/log.ts";
import { MemoryFiles } from "./memory_files.ts";

/** What is logged until it is disposed of: one text a line, without its time. What others have gathered is not in it. */
export interface CapturedLog extends Disposable {
  lines: string[];
}

/** Starts to log into memory. Default: from `info` on. */
export function captureLog({ level = "info", clock }: { level?: LogLevel; clock?: Clock } = {}): CapturedLog {
  const lines: string[] = [];
  endLogging();
  const writeError = (line: string) => void lines.push(line.slice(25));
  startLogging({ level, file: undefined, files: new MemoryFiles(), writeError, ...(clock ? { clock } : {}) });
  return { lines, [Symbol.dispose]: endLogging };
}

function endLogging(): void {
  startLogging({ level: "critical", file: undefined, files: new MemoryFiles(), writeError: () => {} });
  tellGathered({ isEnd: true });
}
