import assert from "node:assert/strict";
import { logger, startLogging } from "../src/log.ts";
import { MemoryFiles, noSpace } from "./support/memory_files.ts";

/** Logs in memory: what the file and standard error hold after `write`. */
function logged(
  write: (log: ReturnType<typeof logger>) => void,
  options: { file?: string; level?: "debug" | "info" | "warning" | "error" | "critical"; files?: MemoryFiles } = {},
): { files: Record<string, string>; error: string } {
  const files = options.files ?? new MemoryFiles();
  let error = "";
  startLogging({
    level: options.level ?? "info",
    file: options.file,
    files,
    writeError: (line) => error += `${line}\n`,
  });
  write(logger("part"));
  return { files: files.tree("/"), error };
}

/** A line without its time, which must be one. */
function withoutTime(line: string): string {
  assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /);
  return line.slice(25);
}

Deno.test("a line holds time, level, part, message and properties, and is one line", () => {
  const { error } = logged((log) =>
    log.warn("Two\nlines", { plain: "a/b-1", quoted: "a b", number: 3, list: [1], absent: undefined })
  );
  assert.equal(withoutTime(error), 'warning part: Two lines plain=a/b-1 quoted="a b" number=3 list=[1]\n');
});

Deno.test("nothing that is logged forges a line or drives a terminal, wherever it stands", () => {
  const evil = "\x1b[2K\r\n2026-11-21T00:00:00.000Z info    serve: forged\u2028\u202e\x9b\ud800";
  for (const file of [undefined, "/log"]) {
    const files = new MemoryFiles();
    let error = "";
    startLogging({ level: "info", file, files, writeError: (line) => error += `${line}\n` });
    logger(evil).error(evil, { text: evil, nested: { [evil]: [evil] }, [evil]: 1 });
    const said = file === undefined ? error : files.readText(file);
    assert.match(said, /^[^\p{Cc}\p{Cs}\u2028\u202e]+\n$/u);
    assert.equal(said.split("\\u001b[2K").length - 1, 6, "it is all there");
  }
});

Deno.test("a value that cannot be written as JSON does not stop what logs it", () => {
  const circle: unknown[] = [];
  circle.push(circle);
  assert.match(logged((log) => log.info("said", { circle, count: 1n, after: 2 })).error, /said .* after=2\n$/);
});

Deno.test("a message may hold braces", () => {
  assert.match(
    logged((log) => log.info("Cannot read {name}: {", { name: "x" })).error,
    /Cannot read \{name\}: \{ name=x\n$/,
  );
});

Deno.test("without a file, lines go to standard error; with one, there", () => {
  assert.match(logged((log) => log.info("said")).error, /said/);
  const { files, error } = logged((log) => log.info("said"), { file: "/log" });
  assert.equal(error, "");
  assert.match(files["log"] ?? "", /said\n$/);
});

for (const [level, lines] of [["debug", 4], ["info", 3], ["warning", 2], ["error", 1], ["critical", 0]] as const) {
  Deno.test(`at level ${level}, ${lines} of four levels are logged`, () => {
    const { error } = logged((log) => {
      log.debug("x");
      log.info("x");
      log.warn("x");
      log.error("x");
    }, { level });
    assert.equal(error.split("\n").length - 1, lines);
  });
}

Deno.test("where the file cannot be written, the line goes to standard error, and later ones to the file again", () => {
  const files = new MemoryFiles();
  files.failWrite(1, noSpace());
  const { error } = logged((log) => {
    log.info("first");
    log.info("second");
    log.info("third");
  }, { file: "/log", files });
  assert.match(error, /^[^\n]*second\n$/);
  assert.match(files.readText("/log"), /^[^\n]*first\n[^\n]*third\n$/);
});

Deno.test("a file in a directory that does not exist hides nothing", () => {
  assert.match(logged((log) => log.error("lost?"), { file: "/none/log" }).error, /lost\?/);
});

Deno.test("a file that is too large is set aside, and the one set aside before it goes", () => {
  const files = new MemoryFiles();
  files.writeText("/log", "x".repeat(64 * 1024 * 1024 + 1));
  files.writeText("/log.1", "oldest");
  logged((log) => log.info("fresh"), { file: "/log", files });
  assert.match(files.readText("/log"), /^[^\n]*fresh\n$/);
  assert.equal(files.readText("/log.1", { mostBytes: Infinity }).slice(0, 3), "xxx");
});

Deno.test("a log file that is a pipe hides nothing and blocks nobody", () => {
  for (const path of ["/pipe", "/link"]) {
    const files = new MemoryFiles();
    files.pipe("/pipe");
    files.symlink("/pipe", "/link");
    assert.match(logged((log) => log.info("said"), { file: path, files }).error, /said/);
  }
});
