import { parseStages, type Stage } from "./stages.ts";

/**
 * The default behaviour of pods, unless a file says otherwise: on a node after 20–100 ms, Running and Ready 100–400 ms
 * after that, gone 50–300 ms after a delete. The label `hostfactory.test/behaviour` picks another ending, by the names
 * of the test cluster.
 */
const document = {
  stages: [
    {
      name: "schedule",
      match: { phase: ["Pending"], scheduled: false, deleting: false, notBehaviour: ["unschedulable"] },
      delayMs: 20,
      jitterMs: 80,
      next: { schedule: true },
    },
    {
      name: "unschedulable",
      match: { phase: ["Pending"], scheduled: false, deleting: false, behaviour: ["unschedulable"] },
      delayMs: 20,
      jitterMs: 80,
      next: {
        unschedulable:
          "0/{nodes} nodes are available: {nodes} Insufficient cpu. no new claims to deallocate, preemption: " +
          "0/{nodes} nodes are available: {nodes} No preemption victims found for incoming pod.",
      },
    },
    {
      name: "create-containers",
      match: { phase: ["Pending"], scheduled: true, deleting: false, waiting: [""] },
      delayMs: 10,
      jitterMs: 30,
      next: { waiting: { reason: "ContainerCreating" } },
    },
    {
      name: "ready",
      match: {
        phase: ["Pending"],
        deleting: false,
        waiting: ["ContainerCreating"],
        notBehaviour: ["image-pull-fails", "config-error", "never-ready"],
      },
      delayMs: 90,
      jitterMs: 270,
      next: { phase: "Running", running: true, ready: true },
    },
    {
      name: "never-ready",
      match: { phase: ["Pending"], deleting: false, waiting: ["ContainerCreating"], behaviour: ["never-ready"] },
      delayMs: 90,
      jitterMs: 270,
      next: { phase: "Running", running: true, ready: false },
    },
    {
      name: "image-pull-fails",
      match: {
        phase: ["Pending"],
        deleting: false,
        waiting: ["ContainerCreating", "ImagePullBackOff"],
        behaviour: ["image-pull-fails"],
      },
      delayMs: 200,
      jitterMs: 400,
      next: {
        waiting: {
          reason: "ErrImagePull",
          message: "rpc error: code = NotFound desc = failed to pull and unpack image",
        },
      },
    },
    {
      name: "image-pull-backs-off",
      match: { phase: ["Pending"], deleting: false, waiting: ["ErrImagePull"] },
      delayMs: 500,
      jitterMs: 600,
      next: { waiting: { reason: "ImagePullBackOff", message: "Back-off pulling image" } },
    },
    {
      name: "config-error",
      match: { phase: ["Pending"], deleting: false, waiting: ["ContainerCreating"], behaviour: ["config-error"] },
      delayMs: 90,
      jitterMs: 270,
      next: { waiting: { reason: "CreateContainerConfigError", message: 'secret "simulated" not found' } },
    },
    {
      name: "crashes",
      match: { phase: ["Running"], deleting: false, behaviour: ["crashes"] },
      delayMs: 300,
      jitterMs: 700,
      next: { phase: "Failed", terminated: { exitCode: 137, reason: "OOMKilled" } },
    },
    {
      name: "crash-loops",
      match: { phase: ["Running"], deleting: false, waiting: [""], behaviour: ["crash-loops"] },
      delayMs: 300,
      jitterMs: 700,
      next: {
        ready: false,
        restarts: 1,
        terminated: { exitCode: 137, reason: "OOMKilled" },
        waiting: { reason: "CrashLoopBackOff", message: "back-off 10s restarting failed container" },
      },
    },
    {
      name: "crash-loops-again",
      match: { phase: ["Running"], deleting: false, waiting: ["CrashLoopBackOff"], behaviour: ["crash-loops"] },
      delayMs: 10_000,
      jitterMs: 2_000,
      next: { running: true, ready: true },
    },
    {
      name: "completes",
      match: { phase: ["Running"], deleting: false, behaviour: ["completes"] },
      delayMs: 300,
      jitterMs: 700,
      next: { phase: "Succeeded", terminated: { exitCode: 0, reason: "Completed" } },
    },
    {
      name: "evicted",
      match: { phase: ["Running"], deleting: false, behaviour: ["evicted"] },
      delayMs: 300,
      jitterMs: 700,
      next: {
        phase: "Failed",
        reason: "Evicted",
        message: "The node was low on resource: memory.",
        terminated: { exitCode: 137, reason: "Error" },
      },
    },
    {
      name: "delete",
      match: { deleting: true, notBehaviour: ["hangs-on-delete"] },
      delayMs: 50,
      jitterMs: 250,
      next: { delete: true },
    },
  ],
};

export const defaultStages: Stage[] = parseStages(document, { source: "default_stages.ts", defaults: [] });
