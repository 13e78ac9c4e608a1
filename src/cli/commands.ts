import { getAvailableTemplates } from "../verbs/get_available_templates.ts";
import { getRequestStatus } from "../verbs/get_request_status.ts";
import { getReturnRequests } from "../verbs/get_return_requests.ts";
import { requestMachines } from "../verbs/request_machines.ts";
import { requestReturnMachines } from "../verbs/request_return_machines.ts";
import type { CommandRow } from "./command.ts";
import { verb } from "./verb.ts";

/**
 * Every command, in the order in which the help lists them. Help, parsing, signals and dispatch all use this table. The
 * five verbs are imported at once, because Symphony waits for them; the code of every other command is loaded when it
 * is called.
 */
export const COMMANDS: readonly CommandRow[] = [
  {
    name: "get-available-templates",
    summary: "List the templates that machines can be requested from",
    signals: "end",
    failed: { templates: [] },
    load: () => verb(getAvailableTemplates, { defaultInput: {} }),
  },
  {
    name: "request-machines",
    summary: "Ask for machines of a template",
    signals: "end",
    failed: { requestId: "" },
    load: () => verb(requestMachines),
  },
  {
    name: "get-request-status",
    summary: "Tell the status of requests and return requests",
    signals: "end",
    failed: { requests: [] },
    load: () => verb(getRequestStatus),
  },
  {
    name: "request-return-machines",
    summary: "Give machines back",
    signals: "end",
    failed: { requestId: "" },
    load: () => verb(requestReturnMachines),
  },
  {
    name: "get-return-requests",
    summary: "Tell which machines the cluster is taking away",
    signals: "end",
    failed: { requests: [] },
    load: () => verb(getReturnRequests),
  },
  {
    name: "status",
    summary: "Show how the grid is: who serves, what runs, waits and failed, and what to do next",
    signals: "end",
    load: async () => (await import("./status.ts")).status,
  },
  {
    name: "explain",
    summary: "Explain a machine, request, return request or node: what it waits for, who can change that, what to do",
    signals: "end",
    load: async () => (await import("./explain.ts")).explain,
  },
  {
    name: "top",
    summary: "Show the grid in the terminal as it changes: sort, filter, open a machine",
    signals: "drain",
    load: async () => (await import("./top.ts")).top,
  },
  {
    name: "admin",
    summary: "Lists, timings, inputs for verbs, and disruptions for trials: the legacy hostfactory-admin",
    signals: "drain, then end",
    load: async () => (await import("./admin.ts")).admin,
  },
  {
    name: "serve",
    summary: "Create, follow and delete the pods: every watcher in one process",
    signals: "drain, then end",
    load: async () => (await import("./serve.ts")).serve,
  },
  {
    name: "watch",
    summary: "Run one watcher alone",
    signals: "drain, then end",
    load: async () => (await import("./watch.ts")).watch,
  },
  {
    name: "run-cron",
    summary: "Give up machines that are pending for too long, and delete pods that have ended, as serve does by itself",
    signals: "drain, then end",
    load: async () => (await import("./run_cron.ts")).runCron,
  },
  {
    name: "rebuild",
    summary: "Put back requests that the work directory has lost, from their pods, as serve does by itself",
    signals: "drain, then end",
    load: async () => (await import("./rebuild.ts")).rebuild,
  },
  {
    name: "history",
    summary: "Show what has happened to machines, requests, templates, nodes and the cluster",
    signals: "drain, then end",
    load: async () => (await import("./history.ts")).history,
  },
  {
    name: "events",
    summary: "Turn the events database into tables",
    signals: "drain, then end",
    load: async () => (await import("./events.ts")).events,
  },
  {
    name: "utils",
    summary: "Run a service that uploads the events database to S3 on request",
    signals: "drain, then end",
    load: async () => (await import("./upload_service.ts")).utils,
  },
  {
    name: "extensions",
    summary: "Show which extensions are registered, what is wrong with them, and the order of their calls",
    signals: "end",
    load: async () => (await import("./extensions.ts")).extensions,
  },
  {
    name: "lint",
    summary: "Check templates and pod manifests before Symphony and the cluster see them",
    signals: "end",
    load: async () => (await import("./lint.ts")).lint,
  },
  {
    name: "simulate",
    summary: "Run a small Kubernetes API server for trials; what becomes of pods can be configured",
    signals: "drain, then end",
    load: async () => (await import("./simulate.ts")).simulate,
  },
  {
    name: "completion",
    summary: "Print a script that completes command lines in your shell: bash, zsh or fish",
    signals: "end",
    load: async () => (await import("./completion.ts")).completion,
  },
  {
    name: "demo",
    summary: "Play the main job on an embedded cluster: machines requested, lost and given back",
    signals: "drain",
    load: async () => (await import("./demo.ts")).demo,
  },
];
