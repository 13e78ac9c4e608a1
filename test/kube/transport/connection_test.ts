import assert from "node:assert/strict";
import type { ClusterPlace } from "../../../src/kube/cluster_place.ts";
import { KubeClient } from "../../../src/kube/client.ts";
import { Connection } from "../../../src/kube/transport/connection.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import type { Login } from "../../../src/kube/transport/login.ts";
import { failure, functionNetwork, json, ManualClock, pod, type SeenRequest } from "../fakes.ts";

const forbidden = (resource: string) =>
  failure(403, {
    reason: "Forbidden",
    message: `${resource} is forbidden: User "u" cannot get resource "${resource}" in`,
  });

/** A client whose place is judged; what is asked of the cluster beside its namespaces is answered with success. */
function setUp(
  options: {
    namespaces?: (name: string, request: SeenRequest) => Response;
    admit?: (place: ClusterPlace, uidOf: (pod: string) => Promise<string | undefined>) => Promise<void> | void;
    mayChange?: () => boolean;
  } = {},
) {
  const clock = new ManualClock();
  const { namespaces = (name) => json({ metadata: { name, uid: `uid of ${name}` } }), mayChange = () => true } =
    options;
  const net = functionNetwork((request) => {
    const [, name] = /\/api\/v1\/namespaces\/([^/]+)$/.exec(request.url.pathname) ?? [];
    if (name !== undefined) return namespaces(name, request);
    if (request.url.pathname.endsWith("/pods") && request.method === "GET") {
      return json({ kind: "PodList", metadata: { resourceVersion: "1" }, items: [] });
    }
    return json({ kind: "Pod", ...pod("a") });
  });
  const login: Login = { server: "https://api", namespace: "grid", headers: [], transport: {}, source: "user 'u'" };
  const logins = { now: login };
  const places: ClusterPlace[] = [];
  const connection = new Connection({
    network: net.network,
    clock,
    logins: { current: () => Promise.resolve(logins.now), rejected: () => {} },
    beforeChange: () => {
      if (!mayChange()) throw new Error("not the owner");
    },
    admit: async (place, uidOf) => {
      places.push(place);
      await options.admit?.(place, uidOf);
    },
  });
  return { clock, ...net, login, logins, places, client: new KubeClient(connection, { clock }) };
}

Deno.test("the place that a login leads to is judged once, before anything else is sent there", async () => {
  const { client, requests, places, login, logins } = setUp();
  await Promise.all(["a", "b", "c"].map((name) => client.getPod(name)));
  assert.deepEqual(places, [{
    server: "https://api",
    namespace: "grid",
    authorities: [],
    namespaceUid: "uid of grid",
  }]);
  assert.equal(requests[0]?.url.pathname, "/api/v1/namespaces/grid");
  logins.now = { ...login, headers: [["authorization", "Bearer new"]] };
  await client.getPod("a");
  assert.equal(places.length, 1, "a new token leads to the same place");
  logins.now = { ...login, namespace: "other" };
  await client.getPod("a");
  assert.equal(places[1]?.namespace, "other");
});

Deno.test("before each list the place is judged again: the same address may lead elsewhere by now", async () => {
  let uid = "n1";
  const { client, places } = setUp({
    namespaces: (name) => json({ metadata: { name, uid } }),
    admit: ({ namespaceUid }) => {
      if (namespaceUid !== "n1") throw new KubeError("unavailable", "another cluster");
    },
  });
  await client.listPods({ limit: 2 });
  await client.listPods({ limit: 2, continueToken: "more" });
  assert.equal(places.length, 1, "pages are of one list");
  uid = "n2";
  await assert.rejects(client.listPods({}), /another cluster/);
  await assert.rejects(client.createPod(pod("a")), /another cluster/);
  uid = "n1";
  await client.listPods({});
  await client.createPod(pod("a"));
});

Deno.test("a place that was not admitted is not asked again for two seconds", async () => {
  const { client, places, clock } = setUp({
    admit: () => {
      throw new KubeError("unavailable", "another cluster");
    },
  });
  for (let n = 0; n < 5; n++) await assert.rejects(client.getPod("a"), /another cluster/);
  assert.equal(places.length, 1);
  await clock.advance(2_000);
  await assert.rejects(client.getPod("a"), /another cluster/);
  assert.equal(places.length, 2);
});

Deno.test("where the namespace may not be read the cluster's own uid stands for it, if that may be read", async () => {
  for (const [mayRead, clusterUid] of [[true, "uid of kube-system"], [false, undefined]] as const) {
    const { client, places } = setUp({
      namespaces: (name) =>
        name === "kube-system" && mayRead
          ? json({ metadata: { name, uid: `uid of ${name}` } })
          : forbidden("namespaces"),
    });
    await client.getPod("a");
    assert.deepEqual([places[0]?.namespaceUid, places[0]?.clusterUid], [undefined, clusterUid]);
  }
});

Deno.test("a namespace that does not exist is no place, and its list is not believed to be empty", async () => {
  const { client, places } = setUp({
    namespaces: (name) => failure(404, { reason: "NotFound", message: `namespaces "${name}" not found` }),
  });
  await assert.rejects(client.listPods({}), {
    name: "KubeError",
    message: "Namespace 'grid' does not exist in the cluster at https://api",
    hint: /^create it, name another one with --namespace/,
  });
  assert.deepEqual(places, []);
});

for (
  const [what, answer] of [
    ["a proxy that refuses", () => new Response("no", { status: 403 })],
    ["a server in trouble", () => failure(500)],
    ["something else than Kubernetes", () => json({ hello: "world" })],
  ] as const
) {
  Deno.test(`what ${what} says about a place is no reason to use it`, async () => {
    const { client, places, requests } = setUp({ namespaces: answer });
    await assert.rejects(client.createPod(pod("a")), { name: "KubeError" });
    assert.deepEqual(places, []);
    assert.ok(requests.every(({ method }) => method === "GET"));
  });
}

Deno.test("whoever judges a place may ask it for the uid of a pod", async () => {
  const uids: unknown[] = [];
  const { client } = setUp({ admit: async (_, uidOf) => void uids.push(await uidOf("a")) });
  await client.getPod("b");
  assert.deepEqual(uids, ["uid-a"]);
});

Deno.test("nothing is sent that changes the cluster while that is not ours to change; the lease is", async () => {
  let mayChange = false;
  const { client, requests } = setUp({ mayChange: () => mayChange });
  const refused = { name: "KubeError", kind: "unavailable", message: "not the owner" };
  await assert.rejects(client.createPod(pod("a")), refused);
  await assert.rejects(client.deletePod("a", { uid: "u" }), refused);
  await assert.rejects(client.annotatePod("a", { uid: "u", annotations: {} }), refused);
  assert.ok(requests.every(({ method }) => method === "GET"));
  await assert.rejects(client.updateLease({ metadata: { name: "l" } }), /not a lease/);
  assert.equal(requests.at(-1)?.method, "PUT");
  mayChange = true;
  await client.createPod(pod("a"));
  assert.equal(requests.at(-1)?.method, "POST");
});

Deno.test("whether something may be changed is asked at the last moment, after all that takes time", async () => {
  let isOwner = true;
  const { client, requests } = setUp({
    mayChange: () => isOwner,
    namespaces: (name) => {
      isOwner = false; // Lost while it is found out where the login leads.
      return json({ metadata: { name, uid: "u" } });
    },
  });
  await assert.rejects(client.createPod(pod("a")), /not the owner/);
  assert.ok(requests.every(({ method }) => method === "GET"));
});

Deno.test("an answer without end is not read on", async () => {
  const mebibyte = new Uint8Array(1024 * 1024).fill(32);
  let sent = 0;
  let isCancelled = false;
  const endless = () =>
    new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => (sent++, controller.enqueue(mebibyte)),
      cancel: () => void (isCancelled = true),
    });
  const { client } = setUp({ namespaces: () => new Response(endless()) });
  await assert.rejects(client.getPod("a"), /larger than 268435456 bytes/);
  assert.ok(isCancelled && sent < 300);
});
