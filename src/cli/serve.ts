import type { Call, CommandBody } from "./command.ts";
import { runWatchers } from "./daemon.ts";
import { addClusterOptions, addEventOptions, addPrometheusOptions, sharedOption, watchTimeout } from "./options.ts";

interface Options {
  dbfile?: string;
  skipEvents: boolean;
  retainEvents: number;
  retainEventsSize: number;
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
      .addOption(sharedOption.prometheusPods());
  },
  async run(call: Call<Options>) {
    const options = call.options;
    await runWatchers(call, {
      events: options,
      kubeEvents: options.kubeEvents,
      requestIoEvents: options.requestIoEvents,
      watchers: ["request-machines", "request-return-machines", "pods", "nodes", "expiry"],
      concurrency: options.createConcurrency,
      podTimeoutSeconds: options.podTimeout,
      imagePullGraceSeconds: options.imagePullGrace,
      retention: { retainSeconds: options.retainRequests, retainMachines: options.retainMachines },
      watchTimeoutSeconds: watchTimeout(options.serverTimeoutSeconds),
      monitoring: {
        hostname: options.prometheusAddr,
        port: options.prometheusPort,
        mostObjects: options.prometheusPods,
        siteTtlSeconds: options.prometheusTtl,
      },
    });
  },
};
