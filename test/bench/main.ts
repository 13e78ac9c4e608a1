/**
 * The figures that the project holds itself to, for the compiled binary on this machine: `deno task bench [verbs|machines]`.
 * A real API server is taken from HF_TEST_KUBECONFIG, else from `../shared/cluster` where that is there.
 */
import { benchMachines } from "./machines.ts";
import { benchVerbs } from "./verbs.ts";

const root = new URL("../../", import.meta.url).pathname;
const binary = Deno.env.get("HF_BINARY") ?? `${root}dist/hostfactory`;
const what = Deno.args[0] ?? "all";
const directory = Deno.makeTempDirSync({ prefix: "hostfactory-bench-" });
try {
  console.log(`${navigator.hardwareConcurrency} cores, ${Deno.build.target}, Deno ${Deno.version.deno}`);
  // The verbs come last: what they leave behind slows down others on some file systems.
  if (what === "all" || what === "machines") await benchClusters();
  if (what === "all" || what === "verbs") await benchVerbs(binary, directory);
} finally {
  Deno.removeSync(directory, { recursive: true });
}

async function benchClusters(): Promise<void> {
  const given = Deno.env.get("HF_TEST_KUBECONFIG");
  const kit = `${root}../shared/cluster/cluster`;
  if (given) {
    return await benchMachines(binary, {
      name: "real API server",
      kubeconfig: given,
      directory,
      count: 1000,
      rounds: 3,
    });
  }
  if (!exists(kit)) return console.log("SKIPPED: no real API server; set HF_TEST_KUBECONFIG");
  const cluster = (...args: string[]) =>
    new Deno.Command(kit, { args: [...args, "--dir", `${directory}/cluster`], stdout: "null" }).output();
  try {
    await cluster("up", "--nodes", "200");
    const kubeconfig = `${directory}/cluster/kubeconfig`;
    await benchMachines(binary, { name: "real-api-server", kubeconfig, directory, count: 1000, rounds: 3 });
  } finally {
    await cluster("down");
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
