import { Cluster } from "../support/cluster.ts";
import { realCluster } from "../support/clusters.ts";
import { Site } from "../support/site.ts";
import { chaos, type ChaosResult } from "./chaos.ts";
import { ControlPlane } from "./control_plane.ts";

/** Nodes of a control plane of our own. */
const NODES = 6;

/**
 * Runs chaos in a directory of its own, and takes all down again.
 * @param options `on`: a control plane of its own, or the cluster that HF_TEST_KUBECONFIG names, which stays whole
 */
export async function runChaos(
  options: { minutes: number; seed: number; on: "own" | "given"; say: (text: string) => void },
): Promise<ChaosResult> {
  const directory = await Deno.makeTempDir({ prefix: "hostfactory-chaos-" });
  try {
    if (options.on === "given") {
      await using open = await realCluster();
      return await onSite(directory, open.cluster, { ...options, plane: undefined });
    }
    await using plane = await ControlPlane.start(directory, { nodes: NODES });
    using cluster = Cluster.at(plane.kubeconfig, "default");
    await cluster.grantRole();
    await cluster.grantNodes();
    return await onSite(directory, cluster, { ...options, plane });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function onSite(
  directory: string,
  cluster: Cluster,
  options: Parameters<typeof chaos>[1],
): Promise<ChaosResult> {
  await using site = new Site(directory, cluster);
  const result = await chaos(site as Site & { cluster: Cluster }, options);
  if (result.violations.length > 0) {
    const log = `${Deno.env.get("TMPDIR") ?? "/tmp"}/hostfactory-chaos-${options.seed}.log`;
    Deno.writeTextFileSync(log, site.log);
    options.say(`what serve said is in ${log}`);
  }
  return result;
}
