import type { Clock } from "../clock.ts";
import type { Files } from "../files.ts";
import type { Admit } from "./cluster_place.ts";
import { KubeClient } from "./client.ts";
import { Connection } from "./transport/connection.ts";
import { Credentials } from "./auth/credentials.ts";
import type { Kube } from "./kube.ts";
import type { Network } from "./transport/transport.ts";
import { systemNetwork } from "./transport/network.ts";
import { type RunPlugin, systemRunPlugin } from "./auth/plugin_process.ts";

export interface ConnectOptions {
  /** `KUBECONFIG`, `HOME`, `KUBERNETES_SERVICE_…`, `HTTPS_PROXY` and so on; passed on to credential plug-ins. */
  environment: Record<string, string | undefined>;
  files: Files;
  clock: Clock;
  /** URL of a proxy; wins over the kubeconfig's and the environment's. */
  proxy?: string | undefined;
  /** Wins over the namespace of the kubeconfig's context or of the service account. */
  namespace?: string | undefined;
  /** A kubeconfig to use instead of any other credentials. */
  kubeconfig?: string | undefined;
  /** Default: the network of the machine we run on. */
  network?: Network;
  /** Default: runs programs on the machine we run on. */
  runPlugin?: RunPlugin;
  /** See `ConnectionOptions`. */
  beforeChange?: (() => void) | undefined;
  admit?: Admit | undefined;
}

/** The cluster that the options and the environment name. Nothing is read or sent before the first call. */
export function connectKube(options: ConnectOptions): Kube {
  const { network = systemNetwork, runPlugin = systemRunPlugin, clock, beforeChange, admit } = options;
  const logins = new Credentials({ ...options, runPlugin });
  return new KubeClient(new Connection({ logins, network, clock, beforeChange, admit }), { clock });
}
