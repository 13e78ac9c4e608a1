import { startSimulator } from "../../src/simulator/api/server.ts";
import { Cluster } from "./cluster.ts";

/** A cluster for one test, which ends with it. */
export interface OpenCluster extends AsyncDisposable {
  cluster: Cluster;
}

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

/** A simulator of its own, in this process: one that the executable plays costs as much to start as `serve`. */
export async function simulatedCluster(): Promise<OpenCluster> {
  const simulator = startSimulator({ seed: 1 });
  const directory = await Deno.makeTempDir({ prefix: "hostfactory-simulator-" });
  const kubeconfig = `${directory}/kubeconfig`;
  await Deno.writeTextFile(kubeconfig, simulator.kubeconfig());
  const cluster = Cluster.at(kubeconfig, "default");
  await Deno.remove(directory, { recursive: true });
  await cluster.grantSimulatedRole();
  return {
    cluster,
    async [Symbol.asyncDispose]() {
      cluster[Symbol.dispose]();
      await simulator.stop();
    },
  };
}
