import { Cluster } from "./cluster.ts";
import { eventually } from "./deadline.ts";
import { Running } from "./process.ts";

/** A cluster for one test, which ends with it. */
export interface OpenCluster extends AsyncDisposable {
  cluster: Cluster;
}

/** True where the binary under test can play a cluster itself. */
export const simulatorIsThere: boolean = canSimulate();

/** A namespace of its own on the real API server that HF_TEST_KUBECONFIG names; left there where the cluster itself ends with the tests. */
export async function realCluster(): Promise<OpenCluster> {
  const namespace = `e2e-${crypto.randomUUID().slice(0, 13)}`;
  const cluster = Cluster.at(Deno.env.get("HF_TEST_KUBECONFIG") ?? "", namespace);
  await cluster.createNamespace();
  await cluster.grantRole();
  return {
    cluster,
    async [Symbol.asyncDispose]() {
      if (Deno.env.get("HF_TEST_CLUSTER_ENDS") === undefined) await cluster.deleteNamespace();
      else await cluster.deleteClusterWide();
      cluster[Symbol.dispose]();
    },
  };
}

/** A simulator of its own, on a port that is free. */
export async function simulatedCluster(): Promise<OpenCluster> {
  const directory = await Deno.makeTempDir({ prefix: "hostfactory-simulator-" });
  const kubeconfig = `${directory}/kubeconfig`;
  const simulator = new Running({
    program: Deno.env.get("HF_BINARY") ?? "",
    args: ["simulate", "--port", "0", "--seed", "1", "--kubeconfig", kubeconfig],
    environment: { HOME: directory },
    directory,
  });
  const close = async () => {
    await simulator.kill();
    await Deno.remove(directory, { recursive: true });
  };
  try {
    const cluster = await eventually(`the simulator: ${simulator.stderr}`, () => Cluster.at(kubeconfig, "default"));
    await eventually(`the simulator's answer: ${simulator.stderr}`, () => cluster.pods());
    await cluster.grantSimulatedRole();
    return {
      cluster,
      async [Symbol.asyncDispose]() {
        cluster[Symbol.dispose]();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function canSimulate(): boolean {
  const binary = Deno.env.get("HF_BINARY");
  if (binary === undefined) return false;
  const { stdout } = new Deno.Command(binary, { args: ["--help"], stdin: "null", stderr: "null" }).outputSync();
  return /^ +simulate\b/m.test(new TextDecoder().decode(stdout));
}
