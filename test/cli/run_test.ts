/** The command line as a process: its exit status, and that standard output carries one JSON object, whatever happens. */
import assert from "node:assert/strict";
import { commandOf } from "../../src/cli/run.ts";
import { root } from "../support/tree.ts";

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the command line in a directory of its own, with nothing of our environment but where Deno caches. */
async function run(args: string[], options: { input?: string; conf?: unknown } = {}): Promise<Result> {
  const directory = await Deno.makeTempDir();
  try {
    if (options.conf !== undefined) {
      await Deno.writeTextFile(`${directory}/k8sprov_templates.json`, JSON.stringify(options.conf));
    }
    const home = { HOME: Deno.env.get("HOME") ?? directory, DENO_DIR: Deno.env.get("DENO_DIR") ?? "" };
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--allow-all", `--config=${root}deno.json`, `${root}main.ts`, ...args],
      clearEnv: true,
      env: { ...home, HF_K8S_WORKDIR: `${directory}/work`, HF_K8S_PROVIDER_CONFDIR: directory, NO_COLOR: "1" },
      cwd: directory,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(options.input ?? "")).catch(() => {});
    await writer.close().catch(() => {});
    const { code, stdout, stderr } = await child.output();
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const failures: [args: string[], input: string, code: number, lists: object, message: RegExp][] = [
  [["get-available-templates"], "", 1, { templates: [] }, /k8sprov_templates\.json': it does not exist/],
  [["request-machines"], "{", 1, { requestId: "" }, /standard input: it is not JSON/],
  [["request-machines", "-f", "/none.json"], "", 1, { requestId: "" }, /'\/none\.json': it does not exist/],
  [["request-return-machines", "-"], '{"machines":5}', 1, { requestId: "" }, /'machines'/],
  [["get-request-status"], "{}", 1, { requests: [] }, /'requests'/],
  [["get-return-requests"], "5", 1, { requests: [] }, /Cannot use the input/],
  [["--log-level", "loud", "get-return-requests"], "{}", 2, { requests: [] }, /'loud'/],
  [["get-return-requests", "--none"], "{}", 2, { requests: [] }, /unknown option '--none'/],
  [
    ["--workdir", "/dev/null/x", "request-return-machines"],
    '{"machines":[]}',
    1,
    { requestId: "" },
    /'\/dev\/null\/x'/,
  ],
];
for (const [args, input, code, lists, message] of failures) {
  Deno.test(`\`${args.join(" ")}\` with '${input}' exits with ${code}, and says why in one JSON object`, async () => {
    const result = await run(args, { input });
    const answer = JSON.parse(result.stdout);
    assert.match(answer.message, message);
    assert.deepEqual(answer, { message: answer.message, ...lists });
    assert.ok(result.stderr.includes(answer.message), result.stderr);
    assert.equal(result.code, code);
  });
}

Deno.test("a verb that succeeds exits with 0, one JSON object on standard output, nothing on standard error", async () => {
  const result = await run(["get-available-templates"], { conf: { templates: [] } });
  assert.deepEqual(result, { code: 0, stdout: '{\n    "templates": []\n}\n', stderr: "" });
});

Deno.test("a command that does not exist is a wrong command line, with nothing on standard output", async () => {
  const result = await run(["do-something"]);
  assert.equal(result.code, 2);
  assert.equal(result.stdout, "");
  assert.match(result.stderr, /do-something/);
});

const evil = "--\x1b[31m\n\u202eforged\x9b\u2028";
const isPlain = /^[^\p{Cc}\u202e\u2028]*$/u;

const wrong: [what: string, args: string[]][] = [
  ["command", [evil]],
  ["option", ["serve", evil]],
  ["number", ["serve", "--create-concurrency", evil]],
  ["name", ["--instance", evil, "serve"]],
];
for (const [what, args] of wrong) {
  Deno.test(`an invalid ${what} on the command line is reported in one line, as plain text`, async () => {
    const { code, stdout, stderr } = await run(args);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.ok(stderr.endsWith("\n"));
    assert.match(stderr.slice(0, -1), isPlain);
    assert.match(stderr, /\\u001b\[31m \\u202eforged\\u009b\\u2028/);
  });
}

Deno.test("a verb answers plain text with the same value, and says the same on standard error", async () => {
  const conf = { templates: [{ templateId: evil, podSpec: "x", attributes: {} }] };
  for (const [args, input] of [[["get-available-templates"], ""], [["request-machines", evil], ""]] as const) {
    const { stdout, stderr } = await run([...args], { input, conf });
    assert.match(stdout.replaceAll("\n", ""), isPlain);
    assert.match(stderr.replace(/\n$/, ""), isPlain);
    assert.ok(JSON.stringify(JSON.parse(stdout)).includes("forged\x9b\u2028"), stdout);
  }
});

Deno.test("the version is one line", async () => {
  const { code, stdout } = await run(["--version"]);
  assert.equal(code, 0);
  assert.match(stdout, /^hostfactory \S+ \(.*\)\n$/);
});

Deno.test("the version is the same wherever it is asked for", async () => {
  const alone = await run(["--version"]);
  for (const args of [["--version", "nothing"], ["--log-level", "x", "--version"], ["serve", "--version"]]) {
    assert.deepEqual(await run(args), alone, args.join(" "));
  }
});

Deno.test("a watcher that has the name of a verb answers as a watcher", async () => {
  for (const args of [["watch", "request-machines", "--nope"], ["--log-level", "loud", "watch", "request-machines"]]) {
    const { code, stdout, stderr } = await run(args);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^hostfactory: .*(--nope|loud)/);
  }
});

Deno.test("the list of commands shows what each of them takes", async () => {
  const { code, stdout } = await run(["--help"]);
  assert.equal(code, 0);
  for (const name of ["get-available-templates", "request-machines", "get-request-status"]) {
    assert.match(stdout, new RegExp(`^  ${name} \\[options\\] \\[file\\] `, "m"));
  }
  assert.match(stdout, /^ +serve \[options\] /m);
});

for (const args of [[], ["watch"]]) {
  Deno.test(`\`hostfactory ${args.join(" ")}\` alone says that there is no command, and which there are`, async () => {
    const { code, stdout, stderr } = await run(args);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^hostfactory: no command was given\n\nUsage: hostfactory[^]*request-machines/);
  });
}

Deno.test("a program that is called by the legacy plug-in's name for a command is that command", () => {
  assert.deepEqual(commandOf("/usr/local/bin/hostfactory-events"), ["events"]);
  assert.deepEqual(commandOf("hostfactory-history"), ["history"]);
  for (const path of ["/usr/bin/deno", "hostfactory", "/opt/hostfactory-events/hostfactory", "hostfactory-0.1.0"]) {
    assert.deepEqual(commandOf(path), [], path);
  }
});

Deno.test("status is printed as YAML, too; a history of no database is none", async () => {
  const { code, stdout } = await run(["status", "-o", "yaml"]);
  assert.equal(code, 4);
  assert.match(stdout, /^verdict: not served\nat: \d+\n/);
  assert.equal((await run(["history", "--dbfile", "/nonexistent"])).code, 1);
});

Deno.test("a version that cannot be written is a failure in plain words", async () => {
  const command =
    `"${Deno.execPath()}" run --quiet --no-check -A --config="${root}deno.json" "${root}main.ts" -V > /dev/full`;
  const { code, stderr } = await new Deno.Command("sh", { args: ["-c", command] }).output();
  assert.equal(code, 1);
  assert.equal(new TextDecoder().decode(stderr), "hostfactory: No space left on device\n");
});
