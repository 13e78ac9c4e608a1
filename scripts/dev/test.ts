/**
 * Runs the tests: first those that run in this process's own world, in parallel; then test/simulation, which needs the CPU, and
 * beside it test/e2e, which mostly waits: one file after another, against the compiled binary and a real API server. The last line says `N passed, N failed`, and `, N skipped` if any.
 *
 * usage: deno task test [PATH...] [options of `deno test`, such as --filter TEXT]
 *
 * Tests in test/e2e find the binary in HF_BINARY (built when the tree has changed) and a cluster in HF_TEST_KUBECONFIG.
 * Unless that is set, a cluster is started from the kit in ../shared/cluster if there is one, and taken down again.
 */
import { existsSync, globSync } from "node:fs";
import { join, relative, resolve } from "node:path";

const root = resolve(import.meta.dirname!, "../..");
const clusterKit = join(root, "../shared/cluster/cluster");
const permissions = ["read", "write", "net", "env", "sys", "run"].map((name) => `--allow-${name}`);

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(signal, () => interrupted.abort(new Error(`stopped by ${signal}`)));
}

let passed = 0, skipped = 0;
const failures: string[] = [];

Deno.chdir(root);
const { paths, options } = split(Deno.args);
const files = testFiles(paths);
const isEndToEnd = (file: string) => file.startsWith("test/e2e/");
// They act as other users, and from other directories, and with them all threads of their process.
const ALONE = ["test/files_test.ts", "test/workdir/store/owner_files_test.ts"];
const isAlone = (file: string) => ALONE.includes(file);
const isSimulation = (file: string) => file.startsWith("test/simulation/");
const temporary = Deno.makeTempDirSync({ prefix: "hostfactory-test-" });
try {
  if (files.length === 0) throw new Error(`there is no test in ${paths.join(" ")}`);
  const isBesideOthers = (file: string) => !isEndToEnd(file) && !isSimulation(file) && !isAlone(file);
  await runTests(files.filter(isBesideOthers), ["--parallel", ...options]);
  await runTests(files.filter(isAlone), options);
  const played = runTests(files.filter(isSimulation), options);
  const [simulated, driven] = await Promise.allSettled([played, runEndToEnd(files.filter(isEndToEnd))]);
  for (const half of [simulated, driven]) if (half.status === "rejected") throw half.reason;
} catch (error) {
  failures.push(error instanceof Error ? error.message : String(error));
} finally {
  Deno.removeSync(temporary, { recursive: true });
}

if (failures.length > 0) console.log(`\nFailed:\n${failures.map((name) => `  ${name}\n`).join("")}`);
console.log(`${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
Deno.exit(failures.length > 0 ? 1 : 0);

/** Paths come first; all from the first option on is for `deno test`. */
function split(args: string[]): { paths: string[]; options: string[] } {
  const firstOption = args.findIndex((arg) => arg.startsWith("-"));
  const paths = firstOption < 0 ? args : args.slice(0, firstOption);
  return { paths: paths.length > 0 ? paths : ["test"], options: firstOption < 0 ? [] : args.slice(firstOption) };
}

/** Every test file among the paths and below them, from the top of the checkout, in a fixed order. */
function testFiles(paths: string[]): string[] {
  const found = paths.flatMap((path) => path.endsWith(".ts") ? [path] : globSync(`${path}/**/*_test.ts`));
  return [...new Set(found.map((path) => relative(root, resolve(path))))].sort();
}

async function runEndToEnd(files: string[]): Promise<void> {
  if (files.length === 0) return;
  const environment = { HF_BINARY: join(root, "dist/hostfactory"), ...kubeconfigGiven() };
  if (!await succeeds(join(root, "build.sh"), { args: ["--if-changed"] })) throw new Error("the build");
  if (environment.HF_TEST_KUBECONFIG || !existsSync(clusterKit)) {
    await runTests(files, options, environment);
    if (!environment.HF_TEST_KUBECONFIG) {
      console.log("\n*** There is no cluster: HF_TEST_KUBECONFIG is not set, and no kit lies in ../shared/cluster.");
      console.log("*** All that needs a real API server was SKIPPED.");
    }
    return;
  }

  const directory = join(temporary, "cluster");
  try {
    if (!await succeeds(clusterKit, { args: ["up", "--dir", directory] })) {
      throw new Error("the start of the test cluster");
    }
    await runTests(files, options, { ...environment, HF_TEST_KUBECONFIG: join(directory, "kubeconfig") });
  } finally {
    await succeeds(clusterKit, { args: ["down", "--dir", directory], evenIfInterrupted: true });
  }
}

function kubeconfigGiven(): { HF_TEST_KUBECONFIG?: string } {
  const path = Deno.env.get("HF_TEST_KUBECONFIG");
  return path ? { HF_TEST_KUBECONFIG: resolve(path) } : {};
}

/**
 * Runs `deno test` and counts what its report says. A file that the report does not name has failed, unless it declares its
 * tests through a function of `test/support`, whose name the report has then.
 */
async function runTests(files: string[], options: string[], environment: Record<string, string> = {}): Promise<void> {
  if (files.length === 0) return;
  const report = join(temporary, `report-${files[0]?.replaceAll("/", "-")}.xml`);
  const args = ["test", ...permissions, `--junit-path=${report}`, ...options, ...files];
  const succeeded = await succeeds(Deno.execPath(), { args, environment });
  if (!existsSync(report)) {
    throw new Error(`\`deno test\` gave no report: it did not compile, or crashed (${files.length} files)`);
  }

  const failed: string[] = [];
  const suites = readReport(Deno.readTextFileSync(report));
  Deno.removeSync(report);
  for (const { file, cases } of suites) {
    for (const { name, result } of cases) {
      if (result === "passed") passed++;
      else if (result === "skipped") skipped++;
      else failed.push(`${file}: ${name}`);
    }
  }
  const filtered = options.some((option) => option.startsWith("--filter"));
  for (const file of filtered ? [] : files) {
    const reported = suites.some((suite) => suite.file === file || suite.file.startsWith("test/support/"));
    if (!reported) failed.push(`${file}: nothing in it ran`);
  }
  if (!succeeded && failed.length === 0) failed.push("`deno test` failed outside of the tests");
  failures.push(...failed);
}

interface Suite {
  file: string;
  cases: { name: string; result: "passed" | "failed" | "skipped" }[];
}

/** What Deno's JUnit report says; its text and attributes are escaped, so that tags can be told by their look. */
function readReport(xml: string): Suite[] {
  return xml.split("<testsuite ").slice(1).map((suite) => ({
    file: relative(root, resolve(attribute(suite, "name"))),
    cases: suite.split("<testcase ").slice(1).map((testcase) => ({
      name: attribute(testcase, "name"),
      result: testcase.includes("<failure") ? "failed" : testcase.includes("<skipped") ? "skipped" : "passed",
    })),
  }));
}

function attribute(tag: string, name: string): string {
  const entities: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
  const value = new RegExp(`${name}="([^"]*)"`).exec(tag)?.[1] ?? "";
  return value.replace(/&(\w+);/g, (all, entity) => entities[entity] ?? all);
}

/** Runs a program with our own output and no input; when we are told to stop, so is it. */
async function succeeds(
  program: string,
  options: { args: string[]; environment?: Record<string, string>; evenIfInterrupted?: boolean },
): Promise<boolean> {
  if (!options.evenIfInterrupted) interrupted.signal.throwIfAborted();
  const child = new Deno.Command(program, {
    args: options.args,
    env: options.environment ?? {},
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  const stop = () => child.kill("SIGTERM");
  if (!options.evenIfInterrupted) interrupted.signal.addEventListener("abort", stop);
  const { success } = await child.status;
  interrupted.signal.removeEventListener("abort", stop);
  if (!options.evenIfInterrupted) interrupted.signal.throwIfAborted();
  return success;
}
