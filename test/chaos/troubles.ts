import { integerBetween, type Random } from "../../src/random.ts";
import type { Cluster } from "../support/cluster.ts";
import { InstanceLease } from "../support/lease.ts";
import type { Component, ControlPlane } from "./control_plane.ts";
import type { Daemon } from "./daemon.ts";
import { isOurs } from "./ours.ts";
import type { ServeLogin } from "./serve_login.ts";

/** Something that goes wrong. */
export interface Trouble {
  name: string;
  /** Troubles of the same ground never overlap. */
  ground: "control plane" | "serve" | "other host" | "login" | "namespace" | "lease" | "nodes" | "pods";
  /** Begins. @returns what ends it; nothing where it is over at once */
  strike: () => Promise<(() => Promise<void>) | void>;
}

export interface Ground {
  cluster: Cluster;
  daemon: Daemon;
  login: ServeLogin;
  random: Random;
  /** Nodes that were cordoned, drained or gone at some time: their machines may be named as going. */
  troubledNodes: Set<string>;
  /** Absent where the cluster is not ours to break. */
  plane: ControlPlane | undefined;
}

/** Everything that can go wrong on this ground. */
export function troublesOf(ground: Ground): Trouble[] {
  const { plane } = ground;
  return [...ofDaemon(ground), ...ofCredentials(ground), ...ofPods(ground), ...plane ? ofCluster(ground, plane) : []];
}

function ofDaemon({ daemon, random }: Ground): Trouble[] {
  return [
    { name: "serve is killed", ground: "serve", strike: () => daemon.replace("SIGKILL") },
    { name: "serve is killed twice", ground: "serve", strike: () => daemon.replaceTwice() },
    { name: "serve is stopped", ground: "serve", strike: () => daemon.replace("SIGTERM") },
    {
      name: "serve is away",
      ground: "serve",
      strike: async () => {
        await daemon.end(random.next() < 0.5 ? "SIGKILL" : "SIGTERM");
        return () => Promise.resolve(daemon.start());
      },
    },
    { name: "a second serve is started", ground: "serve", strike: () => daemon.startSecond() },
    { name: "a standby takes over", ground: "serve", strike: () => daemon.takeOver() },
    {
      name: "a serve on another directory",
      ground: "other host",
      strike: () => Promise.resolve(daemon.startElsewhere()),
    },
  ];
}

function ofCredentials({ login, cluster, random }: Ground): Trouble[] {
  const quota = `/api/v1/namespaces/${cluster.namespace}/resourcequotas`;
  return [
    {
      name: "the rights are revoked",
      ground: "login",
      strike: async () => {
        await login.revoke();
        return () => login.grant();
      },
    },
    {
      name: "the lease is deleted",
      ground: "lease",
      strike: () => new InstanceLease(cluster).delete().catch(onlyIfGone),
    },
    { name: "the token is rotated", ground: "login", strike: () => login.useNewToken() },
    {
      name: "the account is replaced",
      ground: "login",
      strike: async () => {
        await login.replaceAccount();
        return () => login.useNewToken();
      },
    },
    {
      name: "a certificate in place of a token",
      ground: "login",
      strike: async () => login.useCertificate() ? () => login.useNewToken() : await login.useNewToken(),
    },
    {
      name: "a quota appears",
      ground: "namespace",
      strike: async () => {
        const pods = (await cluster.pods()).size + integerBetween(random, 0, 4);
        await cluster.call("POST", quota, { metadata: { name: "chaos" }, spec: { hard: { pods: String(pods) } } });
        return () => cluster.call("DELETE", `${quota}/chaos`).then(() => {});
      },
    },
  ];
}

function ofPods({ cluster, random }: Ground): Trouble[] {
  const some = async (share: number) =>
    [...(await cluster.pods()).values()].filter((pod) => isOurs(pod) && random.next() < share)
      .map(({ metadata }) => metadata.name ?? "");
  const each = async (share: number, act: (name: string) => Promise<unknown>) => {
    for (const name of await some(share)) await act(name).catch(onlyIfGone);
  };
  return [
    {
      name: "pods are deleted by others",
      ground: "pods",
      strike: () => each(0.1, (name) => cluster.deletePod(name)),
    },
    {
      name: "pods are deleted by others, with grace",
      ground: "pods",
      strike: () => each(0.1, (name) => cluster.call("DELETE", `/api/v1/namespaces/${cluster.namespace}/pods/${name}`)),
    },
    { name: "pods are evicted", ground: "pods", strike: () => each(0.15, (name) => cluster.evictPod(name)) },
  ];
}

function ofCluster({ cluster, random, troubledNodes }: Ground, plane: ControlPlane): Trouble[] {
  const down = (name: string, component: Component, how: "kill" | "stop" | "pause"): Trouble => ({
    name,
    ground: "control plane",
    strike: async () => {
      await plane[how](component);
      return () => how === "pause" ? plane.resume(component) : plane.start(component);
    },
  });
  const nodeToTrouble = async () => {
    const { items } = await cluster.call("GET", "/api/v1/nodes") as { items: { metadata: { name: string } }[] };
    const name = items[integerBetween(random, 0, items.length - 1)]?.metadata.name ?? "";
    troubledNodes.add(name);
    return name;
  };
  const cordon = (node: string, unschedulable: boolean) =>
    cluster.call("PATCH", `/api/v1/nodes/${node}`, { spec: { unschedulable } }).catch(onlyIfGone);
  return [
    down("the API server is killed", "kube-apiserver", "kill"),
    down("the API server is stopped", "kube-apiserver", "stop"),
    down("the API server is paused", "kube-apiserver", "pause"),
    down("etcd is killed", "etcd", "kill"),
    down("etcd is paused", "etcd", "pause"),
    down("the kubelets are away", "kwok", "kill"),
    down("the scheduler is away", "kube-scheduler", "kill"),
    down("the controllers are away", "kube-controller-manager", "kill"),
    {
      name: "a node is drained",
      ground: "nodes",
      strike: async () => {
        const node = await nodeToTrouble();
        await cordon(node, true);
        for (const { metadata, spec } of (await cluster.pods()).values()) {
          if (spec.nodeName === node) await cluster.evictPod(metadata.name ?? "").catch(onlyIfGone);
        }
        return async () => void await cordon(node, false);
      },
    },
    {
      name: "a node vanishes",
      ground: "nodes",
      strike: async () => {
        await cluster.call("DELETE", `/api/v1/nodes/${await nodeToTrouble()}`);
        return () => plane.restoreNodes();
      },
    },
  ];
}

/** Somebody was quicker, which is no trouble. */
function onlyIfGone(error: Error): void {
  if (!/\b404\b/.test(error.message)) throw error;
}
