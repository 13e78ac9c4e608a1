import { getAvailableTemplates } from "../verbs/get_available_templates.ts";
import { getRequestStatus } from "../verbs/get_request_status.ts";
import { getReturnRequests } from "../verbs/get_return_requests.ts";
import { requestMachines } from "../verbs/request_machines.ts";
import { requestReturnMachines } from "../verbs/request_return_machines.ts";
import type { CommandRow } from "./command.ts";
import { verb } from "./verb.ts";

/**
 * Every command, in the order in which the help lists them. Help, parsing, signals and dispatch are made from this. Symphony
 * waits for the verbs, so these are at hand; what else another command is made of is loaded once it is called.
 */
export const COMMANDS: readonly CommandRow[] = [
  {
    name: "get-available-templates",
    summary: "Which templates machines can be requested from",
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
    summary: "What became of requests and return requests",
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
    summary: "Which machines the cluster is taking away",
    signals: "end",
    failed: { requests: [] },
    load: () => verb(getReturnRequests),
  },
  {
    name: "status",
    summary: "How the grid is: who serves, what runs, waits and failed, and what to do next",
    signals: "end",
    load: async () => (await import("./status.ts")).status,
  },
  {
    name: "explain",
    summary: "The life of a machine, request, return request or node: what it waits for, whose fault it is, what to do",
    signals: "end",
    load: async () => (await import("./explain.ts")).explain,
  },
  {
    name: "top",
    summary: "The grid as it changes, in the terminal: sort, filter, open one machine",
    signals: "drain",
    load: async () => (await import("./top.ts")).top,
  },
  {
    name: "admin",
    summary: "Lists, timings, inputs of verbs, and disruptions to try things out: the legacy hostfactory-admin",
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
    summary: "Give up on pods that are pending too long, and delete those that ended, as serve does by itself",
    signals: "drain, then end",
    load: async () => (await import("./run_cron.ts")).runCron,
  },
  {
    name: "rebuild",
    summary: "Put back what the work directory lacks of requests that the cluster has pods of, as serve does by itself",
    signals: "drain, then end",
    load: async () => (await import("./rebuild.ts")).rebuild,
  },
  {
    name: "history",
    summary: "What has happened: to machines, requests, templates, nodes, the cluster",
    signals: "drain, then end",
    load: async () => (await import("./history.ts")).history,
  },
  {
    name: "events",
    summary: "What is to be done with the events database: put it into tables",
    signals: "drain, then end",
    load: async () => (await import("./events.ts")).events,
  },
  {
    name: "utils",
    summary: "A service that uploads the events database to S3 when it is asked to",
    signals: "drain, then end",
    load: async () => (await import("./upload_service.ts")).utils,
  },
  {
    name: "extensions",
    summary: "Which extensions are registered, what is wrong with them, and in which order they are called",
    signals: "end",
    load: async () => (await import("./extensions.ts")).extensions,
  },
  {
    name: "lint",
    summary: "Check the templates and their pod manifests, before Symphony and the cluster see them",
    signals: "end",
    load: async () => (await import("./lint.ts")).lint,
  },
  {
    name: "simulate",
    summary: "A small Kubernetes API server for trying the product: what becomes of pods is data",
    signals: "drain, then end",
    load: async () => (await import("./simulate.ts")).simulate,
  },
  {
    name: "completion",
    summary: "Print what has your shell complete command lines: bash, zsh or fish",
    signals: "end",
    load: async () => (await import("./completion.ts")).completion,
  },
  {
    name: "demo",
    summary: "The main job before your eyes: machines asked for, lost, given back, on an embedded cluster",
    signals: "drain",
    load: async () => (await import("./demo.ts")).demo,
  },
];
