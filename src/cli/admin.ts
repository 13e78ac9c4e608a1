import { type ClusterOptions, declareCluster, deletePods, drainNodes } from "./admin_cluster.ts";
import { declareInputs, type InputOptions, printInput } from "./admin_inputs.ts";
import { declareLists, listMachines, type ListOptions, listRequests } from "./admin_lists.ts";
import { declareReplay, replay, type ReplayOptions } from "./admin_replay.ts";
import { declareTimings, getTimings, type TimingsOptions } from "./admin_timings.ts";
import type { Call, CommandBody } from "./command.ts";

type Options = ListOptions & TimingsOptions & InputOptions & ClusterOptions & ReplayOptions;

/** The commands below `admin`. Each declares its own options. */
const COMMANDS: Readonly<Record<string, (call: Call<Options>) => Promise<void> | void>> = {
  "list-machines": listMachines,
  "list-requests": listRequests,
  "get-timings": getTimings,
  "request-machines": printInput,
  "request-return-machines": printInput,
  "get-request-status": printInput,
  "get-return-requests": printInput,
  "delete-pods": deletePods,
  "drain-nodes": drainNodes,
  replay,
};

/** The legacy plug-in's `hostfactory-admin`, with the same names, options and output. */
export const admin: CommandBody = {
  declare(command) {
    declareLists(command);
    declareTimings(command);
    declareInputs(command);
    declareCluster(command);
    declareReplay(command);
  },
  async run(call: Call<Options>) {
    await COMMANDS[call.path.at(-1) ?? ""]?.(call);
  },
};
