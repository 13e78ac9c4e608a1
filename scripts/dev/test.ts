/**
 * Runs the tests: first those that run in this process's own world, in parallel; then test/simulation, which needs the CPU and
 * gives way to all others, and beside it test/e2e, which mostly waits: several files at once of either, the latter against the
 * compiled binary and a real API server. Types are checked, the binary is built and the cluster is started beside the first ones.
 * The last line says `N passed, N failed`, and `, N skipped` if any.
 *
 * usage: deno task test [--unit] [PATH...] [options of `deno test`, such as --filter TEXT]
 *   --unit   neither test/e2e nor test/simulation
 *
 * Tests in test/e2e find the binary in HF_BINARY (built when the tree has changed) and a cluster in HF_TEST_KUBECONFIG.
 * Unless that is set, a cluster is started from the kit in ../shared/cluster if there is one, and taken down again.
 */
import { existsSync, globSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { readReport } from "./test_report.ts";

const root = resolve(import.meta.dirname!, "../..");
const clusterKit = join(root, "../shared/cluster/cluster");

/** They act as other users, and from other directories, and with them all threads of their process. */
const ALONE = ["test/files_test.ts", "test/workdir/store/owner_files_test.ts"];

/** So many processes run those files that are beside each other in one: to load what all of them use takes as long as they. */
const TOGETHER = 2;

/** So many files of test/e2e run at once; each runs several tests at once itself. And so many of test/simulation. */
const AT_ONCE = 3;
const PLAYED_AT_ONCE = 2;

/** Gives way to others: what is played needs no time of the clock on the wall. */
const LAST = ["nice", "-n", "15"] as const;

/** They judge how quickly the cluster does things, or do much to all of it: no other file runs beside one of them. */
const UNDISTURBED = ["fail_over", "foreign_clients", "node_pool"].map((name) => `test/e2e/${name}_test.ts`);

/** They take longest, and begin first, so that none of them is left to run alone at the end. */
const LONG = [
  ...["chaos", "rebuild", "page", "etcd_restored", "reasons", "machines"].map((name) => `test/e2e/${name}_test.ts`),
  ...["simulation", "breakages"].map((name) => `test/simulation/${name}_test.ts`),
];

/** A control plane collects its garbage less often: that saves a sixth of its CPU, for half a gigabyte. */
const LAZY_COLLECTION = { GOGC: "400" };

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(signal, () => interrupted.abort(new Error(`stopped by ${signal}`)));
}

let passed = 0, skipped = 0;
const failures: string[] = [];

Deno.chdir(root);
const { paths, options, isUnit } = split(Deno.args);
const isEndToEnd = (file: string) => file.startsWith("test/e2e/");
const isSimulation = (file: string) => file.startsWith("test/simulation/");
const isAlone = (file: string) => ALONE.includes(file);
const files = testFiles(paths).filter((file) => !isUnit || !(isEndToEnd(file) || isSimulation(file)));
const temporary = Deno.makeTempDirSync({ prefix: "hostfactory-test-" });
const clusterDirectory = join(temporary, "cluster");
try {
  if (files.length === 0) throw new Error(`there is no test in ${paths.join(" ")}`);
  const all = await Promise.allSettled([checkTypes(), runAll()]);
  for (const part of all) if (part.status === "rejected") throw part.reason;
} catch (error) {
  failures.push(error instanceof Error ? error.message : String(error));
} finally {
  Deno.removeSync(temporary, { recursive: true });
}

if (failures.length > 0) console.log(`\nFailed:\n${failures.map((name) => `  ${name}\n`).join("")}`);
console.log(`${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
Deno.exit(failures.length > 0 ? 1 : 0);

/** Once for all of them: what each process would check for itself is mostly the same. What `deno task check` has found good is known. */
async function checkTypes(): Promise<void> {
  const isWhole = paths.length === 1 && paths[0] === "test";
  const roots = isWhole ? ["main.ts", "src", "scripts", "test"] : files;
  await succeedsOrThrows("the check of types", Deno.execPath(), ["check", "--quiet", ...roots]);
}

async function runAll(): Promise<void> {
  const isBesideOthers = (file: string) => !isEndToEnd(file) && !isSimulation(file) && !isAlone(file);
  const endToEnd = files.filter(isEndToEnd);
  const prepared = endToEnd.length > 0 ? prepareEndToEnd() : Promise.resolve({});
  prepared.catch(() => {}); // It is told to those who wait for it.
  try {
    await runTests(files.filter(isBesideOthers), { isTogether: true });
    await runTests(files.filter(isAlone));
    const played = runInTurn(files.filter(isSimulation), PLAYED_AT_ONCE);
    const halves = await Promise.allSettled([played, runEndToEnd(endToEnd, prepared)]);
    for (const half of halves) if (half.status === "rejected") throw half.reason;
  } finally {
    await prepared.catch(() => {});
    await endCluster();
  }
}

/** Paths come first; all from the first option on is for `deno test`. */
function split(args: string[]): { paths: string[]; options: string[]; isUnit: boolean } {
  const isUnit = args[0] === "--unit";
  const rest = isUnit ? args.slice(1) : args;
  const firstOption = rest.findIndex((arg) => arg.startsWith("-"));
  const paths = firstOption < 0 ? rest : rest.slice(0, firstOption);
  return {
    isUnit,
    paths: paths.length > 0 ? paths : ["test"],
    options: firstOption < 0 ? [] : rest.slice(firstOption),
  };
}

/** Every test file among the paths and below them, from the top of the checkout, in a fixed order. */
function testFiles(paths: string[]): string[] {
  const found = paths.flatMap((path) => path.endsWith(".ts") ? [path] : globSync(`${path}/**/*_test.ts`));
  return [...new Set(found.map((path) => relative(root, resolve(path))))].sort();
}

/** @returns the environment of the tests of test/e2e, once the binary and a cluster are there */
async function prepareEndToEnd(): Promise<Record<string, string>> {
  const binary = { HF_BINARY: join(root, "dist/hostfactory") };
  await succeedsOrThrows("the build", join(root, "build.sh"), ["--if-changed"]);
  const given = Deno.env.get("HF_TEST_KUBECONFIG");
  if (given) return { ...binary, HF_TEST_KUBECONFIG: resolve(given) };
  if (!existsSync(clusterKit)) return binary;
  const args = ["up", "--dir", clusterDirectory];
  await succeedsOrThrows("the start of the test cluster", clusterKit, args, LAZY_COLLECTION);
  return { ...binary, HF_TEST_KUBECONFIG: join(clusterDirectory, "kubeconfig"), HF_TEST_CLUSTER_ENDS: "1" };
}

async function endCluster(): Promise<void> {
  if (!existsSync(clusterDirectory)) return;
  await succeeds(clusterKit, { args: ["down", "--dir", clusterDirectory], evenIfInterrupted: true });
}

async function runEndToEnd(files: string[], prepared: Promise<Record<string, string>>): Promise<void> {
  if (files.length === 0) return;
  const environment = await prepared;
  await runInTurn(files, AT_ONCE, environment);
  if (!environment.HF_TEST_KUBECONFIG) {
    console.log("\n*** There is no cluster: HF_TEST_KUBECONFIG is not set, and no kit lies in ../shared/cluster.");
    console.log("*** All that needs a real API server was SKIPPED.");
  }
}

/** Runs each file in a process of its own, so many at once; what each says comes as a whole, once it has ended. */
async function runInTurn(files: string[], atOnce: number, environment: Record<string, string> = {}): Promise<void> {
  for (const file of files.filter((one) => UNDISTURBED.includes(one))) {
    await runTests([file], { environment, asWhole: true });
  }
  files = files.filter((one) => !UNDISTURBED.includes(one));
  const waiting = [...files.filter((file) => LONG.includes(file)), ...files.filter((file) => !LONG.includes(file))];
  const lanes = Array.from({ length: atOnce }, async () => {
    for (let file; (file = waiting.shift()) !== undefined;) await runTests([file], { environment, asWhole: true });
  });
  for (const lane of await Promise.allSettled(lanes)) if (lane.status === "rejected") throw lane.reason;
}

/**
 * Runs `deno test` and counts what its report says. A file that the report does not name has failed, unless it declares its
 * tests through a function of `test/support`, whose name the report has then.
 */
async function runTests(
  files: string[],
  { isTogether = false, environment = {}, asWhole = false }: {
    isTogether?: boolean;
    environment?: Record<string, string>;
    asWhole?: boolean;
  } = {},
): Promise<void> {
  if (files.length === 0) return;
  const report = join(temporary, `report-${files[0]?.replaceAll("/", "-")}.xml`);
  const args = ["test", "--no-check", "--allow-all", `--junit-path=${report}`, ...isTogether ? ["--parallel"] : []];
  const run = isTogether ? together(files) : files;
  const command = [...files.every(isSimulation) ? LAST : [], Deno.execPath(), ...args, ...options, ...run];
  const succeeded = await succeeds(command[0]!, { args: command.slice(1), environment, asWhole });
  if (!existsSync(report)) {
    throw new Error(`\`deno test\` gave no report: it crashed (${files.length} files, the first is ${files[0]})`);
  }

  const failed: string[] = [];
  const suites = readReport(Deno.readTextFileSync(report), (name) => relative(root, resolve(name)));
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
  if (!succeeded && failed.length === 0) failed.push(`\`deno test\` failed outside of the tests of ${files.join(" ")}`);
  failures.push(...failed);
}

/** Makes a few files that each have many of these. A report names the files that the tests are in. */
function together(files: string[]): string[] {
  if (files.length <= TOGETHER) return files;
  return Array.from({ length: TOGETHER }, (_, n) => {
    const path = join(temporary, `together_${n}_test.ts`);
    const some = files.filter((_, i) => i % TOGETHER === n);
    Deno.writeTextFileSync(path, some.map((file) => `import ${JSON.stringify(join(root, file))};\n`).join(""));
    return path;
  });
}

async function succeedsOrThrows(
  what: string,
  program: string,
  args: string[],
  environment: Record<string, string> = {},
): Promise<void> {
  if (!await succeeds(program, { args, environment })) throw new Error(`${what} failed`);
}

/**
 * Runs a program without input; when we are told to stop, so is it.
 * @param options `asWhole`: what it says is held back until it ends, then followed by how long it took
 */
async function succeeds(
  program: string,
  { args, environment = {}, evenIfInterrupted = false, asWhole = false }: {
    args: string[];
    environment?: Record<string, string>;
    evenIfInterrupted?: boolean;
    asWhole?: boolean;
  },
): Promise<boolean> {
  if (!evenIfInterrupted) interrupted.signal.throwIfAborted();
  const startedMs = performance.now();
  const said = asWhole ? "piped" : "inherit";
  const child = new Deno.Command(program, { args, env: environment, stdin: "null", stdout: said, stderr: said })
    .spawn();
  const stop = () => child.kill("SIGTERM");
  if (!evenIfInterrupted) interrupted.signal.addEventListener("abort", stop);
  const { success } = asWhole ? await whole(child, startedMs) : await child.status;
  interrupted.signal.removeEventListener("abort", stop);
  if (!evenIfInterrupted) interrupted.signal.throwIfAborted();
  return success;
}

/** Waits for a program, then shows what it said. */
async function whole(child: Deno.ChildProcess, startedMs: number): Promise<Deno.CommandStatus> {
  const output = await child.output();
  for (const part of [output.stdout, output.stderr]) {
    for (let written = 0; written < part.length;) written += Deno.stdout.writeSync(part.subarray(written));
  }
  console.log(`(${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
  return output;
}
