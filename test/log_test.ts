import assert from "node:assert/strict";
import { GatheringLog, logger, startLogging, tellGathered } from "../src/log.ts";
import { type CapturedLog, captureLog } from "./support/captured_log.ts";
import { MemoryFiles, noSpace } from "./support/memory_files.ts";
import { SimulatedClock } from "./support/simulated_clock.ts";

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

Deno.test("a file that is too large is rotated, and the one rotated before it goes", () => {
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

/** Logs under a clock of its own. */
function gathered(): CapturedLog & { clock: SimulatedClock } {
  const clock = new SimulatedClock();
  return { ...captureLog({ clock }), clock };
}

Deno.test("what happens to many for one cause is one line with how many and how often, and one more each minute", async () => {
  using captured = gathered();
  const { lines, clock } = captured;
  const log = new GatheringLog("part", "Pods not created yet", { of: "machines" });
  const fail = (n: number) => log.note(`machine-${n}`, () => ({ error: `machine-${n}: used 4${n}` }));
  for (let n = 0; n < 30; n++) fail(n);
  tellGathered();
  assert.deepEqual(lines, [], "it is waited for more of the kind");
  await clock.advance(1_000);
  fail(3);
  tellGathered();
  assert.deepEqual(lines.splice(0), [
    'warning part: Pods not created yet machines=30 times=31 error="…: used 40" first=machine-0',
  ]);
  for (let seconds = 0; seconds < 59; seconds++) {
    await clock.advance(1_000);
    fail(1);
    tellGathered();
  }
  assert.deepEqual(lines, []);
  await clock.advance(1_000);
  tellGathered();
  assert.deepEqual(lines, [
    'warning part: Pods not created yet machines=1 times=59 error="machine-1: used 41" first=machine-1',
  ]);
});

Deno.test("what is tried again and works by now is not said any more, but by its first line", async () => {
  for (const isTriedAgain of [true, false]) {
    using captured = gathered();
    const { lines, clock } = captured;
    const log = new GatheringLog("part", "Not yet", { of: "things", isTriedAgain });
    for (const name of ["first", "again"]) {
      log.note(name, () => ({}));
      await clock.advance(1_000);
      tellGathered();
    }
    await clock.advance(60_000);
    tellGathered();
    assert.equal(lines.length, isTriedAgain ? 1 : 2);
  }
});

Deno.test("what has not happened for a minute is news again; at the end all is said that has gathered", async () => {
  using captured = gathered();
  const { lines, clock } = captured;
  const log = new GatheringLog("part", "Said", { of: "things", level: "info" });
  log.note("one", () => ({}));
  await clock.advance(1_000);
  tellGathered();
  await clock.advance(60_000);
  tellGathered();
  log.note("two", () => ({}));
  await clock.advance(1_000);
  tellGathered();
  log.note("three", () => ({}));
  tellGathered({ isEnd: true });
  assert.deepEqual(lines, ["one", "two", "three"].map((first) => `info    part: Said things=1 first=${first}`));
});

Deno.test("causes are told apart, up to a limit; and below the level nothing is looked at", async () => {
  using captured = gathered();
  const { lines, clock } = captured;
  const log = new GatheringLog("part", "Failed", { of: "machines" });
  for (let n = 0; n < 40; n++) log.note(`machine-${n}`, () => ({ reason: String.fromCharCode(65 + n) }));
  await clock.advance(1_000);
  tellGathered();
  assert.equal(lines.length, 21);
  assert.equal(lines.at(-1), 'warning part: Failed machines=20 reason="other reasons" first=machine-20');
  startLogging({ level: "error", file: undefined, files: new MemoryFiles(), writeError: () => assert.fail() });
  log.note("machine", () => assert.fail());
});

Deno.test("as JSON, a line is an object, whatever the properties hold or are called", () => {
  const lines: string[] = [];
  const writeError = (line: string) => void lines.push(line);
  startLogging({ level: "info", format: "json", file: undefined, files: new MemoryFiles(), writeError });
  const circle: unknown[] = [];
  circle.push(circle);
  logger("part").warn("Two\nlines \x1b", { level: 3, list: [1], absent: undefined, text: "a\u2028b" });
  logger("part").info("said", { circle, big: 1n });
  const [first, second] = lines.map((line) => JSON.parse(line));
  assert.match(first.time, /^\d{4}-.*Z$/);
  delete first.time;
  const message = "Two\nlines \x1b";
  assert.deepEqual(first, { level: "warning", part: "part", message, level_: 3, list: [1], text: "a\u2028b" });
  assert.equal(second.circle, "(not shown)");
  assert.ok(lines.every((line) => /^[^\p{Cc}\u2028]+$/u.test(line)));
});

Deno.test("on the way to journald a line begins with its priority; in a file it does not", () => {
  const files = new MemoryFiles();
  for (const file of [undefined, "/log"]) {
    const lines: string[] = [];
    startLogging({ level: "debug", hasPriorities: true, file, files, writeError: (line) => void lines.push(line) });
    const log = logger("part");
    log.debug("d");
    log.info("i");
    log.warn("w");
    log.error("e");
    assert.deepEqual(lines.map((line) => line.slice(0, 3)), file === undefined ? ["<7>", "<6>", "<4>", "<3>"] : []);
  }
  assert.doesNotMatch(files.readText("/log"), /^</m);
});
