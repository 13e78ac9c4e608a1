import { WATCHERS } from "../serve/watcher_names.ts";
import type { Call, CommandBody } from "./command.ts";
import { runWatchers } from "./daemon.ts";
import { addClusterOptions, addEventOptions, addPrometheusOptions, sharedOption, watchTimeout } from "./options.ts";

interface Options {
  dbfile?: string;
  skipEvents: boolean;
  retainEvents?: number;
  retainEventsSize?: number;
  rotateEvents: boolean;
  kubeEvents: boolean;
  requestIoEvents: boolean;
  createConcurrency: number;
  podTimeout: number;
  imagePullGrace: number;
  retainRequests: number;
  retainMachines: number;
  serverTimeoutSeconds: number;
  prometheusAddr: string;
  prometheusPort: number;
  prometheusTtl: number;
  prometheusPods: number;
  httpTokenFile?: string;
  httpCertFile?: string;
  httpKeyFile?: string;
  httpSocket?: string;
}

export const serve: CommandBody = {
  declare(command, environment) {
    addPrometheusOptions(addEventOptions(addClusterOptions(command), environment), environment)
      .addOption(sharedOption.kubeEvents(environment))
      .addOption(sharedOption.requestIoEvents(environment))
      .addOption(sharedOption.concurrency())
      .addOption(sharedOption.podTimeout())
      .addOption(sharedOption.imagePullGrace())
      .addOption(sharedOption.retainRequests())
      .addOption(sharedOption.retainMachines())
      .addOption(sharedOption.serverTimeout(environment))
      .addOption(sharedOption.prometheusPods())
      .option("--http-token-file <file>", "what metrics and the page want there: 'Authorization: Bearer TOKEN'")
      .option("--http-cert-file <file>", "serve them over TLS, with this certificate (PEM)")
      .option("--http-key-file <file>", "the key of that (PEM)")
      .option("--http-socket <path>", "serve them on this socket as well, for the user of this process alone");
  },
  async run(call: Call<Options>) {
    const options = call.options;
    await runWatchers(call, {
      events: options,
      kubeEvents: options.kubeEvents,
      requestIoEvents: options.requestIoEvents,
      watchers: WATCHERS,
      concurrency: options.createConcurrency,
      podTimeoutSeconds: options.podTimeout,
      imagePullGraceSeconds: options.imagePullGrace,
      retention: { retainSeconds: options.retainRequests, retainMachines: options.retainMachines },
      watchTimeoutSeconds: watchTimeout(options.serverTimeoutSeconds),
      monitoring: {
        hostname: options.prometheusAddr,
        port: options.prometheusPort,
        mostObjects: options.prometheusPods,
        tokenFile: options.httpTokenFile,
        certFile: options.httpCertFile,
        keyFile: options.httpKeyFile,
        socket: options.httpSocket,
        siteTtlSeconds: options.prometheusTtl,
      },
    });
  },
};
