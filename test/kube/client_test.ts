import assert from "node:assert/strict";
import { KubeClient } from "../../src/kube/client.ts";
import { Connection } from "../../src/kube/transport/connection.ts";
import { KubeError } from "../../src/kube/errors.ts";
import type { Login } from "../../src/kube/transport/login.ts";
import { failure, functionNetwork, json, ManualClock, pod, type SeenRequest, settle } from "./fakes.ts";

function login(token: string, transport: Login["transport"] = {}): Login {
  return {
    server: "https://api/prefix",
    namespace: "grid",
    headers: [["authorization", `Bearer ${token}`]],
    transport,
    source: "user 'u'",
  };
}

/** A client, a network that is `answer`, and a login that the test may replace. */
function setUp(answer: (request: SeenRequest) => Response | Promise<Response>) {
  const clock = new ManualClock();
  const net = functionNetwork(answer);
  const logins = { now: login("one"), rejections: 0, next: undefined as Login | undefined };
  const connection = new Connection({
    network: net.network,
    clock,
    logins: {
      current: () => Promise.resolve(logins.now),
      rejected: () => {
        logins.rejections++;
        logins.now = logins.next ?? logins.now;
      },
    },
  });
  return { clock, ...net, logins, client: new KubeClient(connection, { clock }) };
}

const rejectsAs = (promise: Promise<unknown>, kind: string) => assert.rejects(promise, { name: "KubeError", kind });

Deno.test("A create posts the pod into the namespace of the login", async () => {
  const { client, requests, clock } = setUp(() => json({ kind: "Pod", ...pod("a") }, { status: 201 }));
  assert.equal((await client.createPod(pod("a"))).metadata.uid, "uid-a");
  const [request] = requests;
  assert.equal(
    `${request?.method} ${request?.url}`,
    "POST https://api/prefix/api/v1/namespaces/grid/pods?fieldManager=hostfactory",
  );
  assert.equal(request?.headers.get("authorization"), "Bearer one");
  assert.deepEqual(request?.body, { apiVersion: "v1", kind: "Pod", ...pod("a") });
  await settle();
  assert.equal(clock.sleepers, 0, "no timer is left");
});

Deno.test("A dry run says so, and is no create", async () => {
  const { client, requests } = setUp(() => json({ kind: "Pod", ...pod("a") }, { status: 201 }));
  await client.createPod(pod("a"), { dryRun: true });
  assert.equal(requests[0]?.url.search, "?fieldManager=hostfactory&dryRun=All");
});

Deno.test("Whether something is allowed is asked for the namespace of the login", async () => {
  const { client, requests } = setUp(() => json({ status: { allowed: false } }, { status: 201 }));
  assert.equal(await client.isAllowed({ verb: "get", group: "", resource: "pods" }), false);
  const [request] = requests;
  assert.equal(
    `${request?.method} ${request?.url.pathname}`,
    "POST /prefix/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
  );
  assert.deepEqual(request?.body, {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: { verb: "get", group: "", resource: "pods", namespace: "grid" } },
  });
  const other = setUp(() => json({ kind: "Status" }));
  await rejectsAs(other.client.isAllowed({ verb: "get", group: "", resource: "pods" }), "unavailable");
});

Deno.test("Quotas are those of the namespace", async () => {
  const items = [{ metadata: { name: "q" }, spec: { hard: { pods: "1" } } }];
  const { client, requests } = setUp(() =>
    json({ kind: "ResourceQuotaList", metadata: { resourceVersion: "5" }, items })
  );
  assert.equal((await client.listQuotas()).items[0]?.spec?.hard?.["pods"], "1");
  assert.equal(requests[0]?.url.pathname, "/prefix/api/v1/namespaces/grid/resourcequotas");
});

Deno.test("A delete carries the uid as precondition, and the grace where one is given", async () => {
  const { client, requests } = setUp(() => json({ kind: "Status", status: "Success" }));
  await client.deletePod("a", { uid: "u1", gracePeriodSeconds: 0 });
  assert.deepEqual(requests[0]?.body, {
    apiVersion: "v1",
    kind: "DeleteOptions",
    preconditions: { uid: "u1" },
    gracePeriodSeconds: 0,
  });
});

Deno.test("Annotations are merged into the pod with the uid, and into no other", async () => {
  const { client, requests } = setUp(() => json({ kind: "Pod", ...pod("a") }));
  await client.annotatePod("a", { uid: "u1", annotations: { "x/y": "z" } });
  const [request] = requests;
  assert.equal(`${request?.method} ${request?.url.pathname}`, "PATCH /prefix/api/v1/namespaces/grid/pods/a");
  assert.equal(request?.headers.get("content-type"), "application/merge-patch+json");
  assert.deepEqual(request?.body, { metadata: { uid: "u1", annotations: { "x/y": "z" } } });
});

Deno.test("The pods of a list say what they are", async () => {
  const { client, requests } = setUp(() =>
    json({ kind: "PodList", metadata: { resourceVersion: "5", continue: "next" }, items: [pod("a")] })
  );
  const list = await client.listPods({ labelSelector: "a=b,c", limit: 2, continueToken: "here" });
  assert.deepEqual(list.items.map(({ apiVersion, kind }) => [apiVersion, kind]), [["v1", "Pod"]]);
  assert.equal(requests[0]?.url.search, "?labelSelector=a%3Db%2Cc&limit=2&continue=here");
});

Deno.test("Nodes are listed and watched for the whole cluster, in no namespace", async () => {
  const node = { metadata: { name: "n", resourceVersion: "6" }, spec: {} };
  const { client, requests } = setUp(({ url }) =>
    url.searchParams.has("watch")
      ? new Response(`${JSON.stringify({ type: "ADDED", object: node })}\n`)
      : json({ kind: "NodeList", metadata: { resourceVersion: "5" }, items: [node] })
  );
  assert.deepEqual((await client.listNodes({ limit: 2 })).items, [{ apiVersion: "v1", kind: "Node", ...node }]);
  for await (
    const { object } of client.watchNodes({ resourceVersion: "5", timeoutSeconds: 60, idleTimeoutMs: 75_000 })
  ) assert.equal(object.metadata.name, "n");
  assert.deepEqual(requests.map(({ url }) => url.pathname), Array(2).fill("/prefix/api/v1/nodes"));
});

Deno.test("A list of nodes is not taken for one of pods", async () => {
  const { client } = setUp(() => json({ kind: "NodeList", metadata: { resourceVersion: "5" }, items: [] }));
  await rejectsAs(client.listPods({}), "unavailable");
});

for (
  const [name, text] of [
    ["cut short", '{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[{'],
    ["a page for browsers", "<html>login</html>"],
    ["another kind", '{"kind":"Status"}'],
    ["without a version", '{"kind":"PodList","metadata":{},"items":[]}'],
    ["without items that are a list", '{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":{}}'],
    ["null", "null"],
  ] as const
) {
  Deno.test(`A list that cannot be believed is unavailability: ${name}`, async () => {
    const { client } = setUp(() => new Response(text));
    await rejectsAs(client.listPods({}), "unavailable");
  });
}

Deno.test("After a 401 the call is repeated once with what was read again", async () => {
  const { client, logins, requests } = setUp(({ headers }) =>
    headers.get("authorization") === "Bearer two" ? json(pod("a")) : failure(401, { message: "Unauthorized" })
  );
  logins.next = login("two");
  assert.equal((await client.getPod("a")).metadata.name, "a");
  assert.equal(requests.length, 2);
});

Deno.test("After a 401 nothing is repeated where the credentials are the same as before", async () => {
  const { client, requests } = setUp(() => failure(401, { message: "Unauthorized" }));
  await assert.rejects(client.getPod("a"), {
    kind: "unauthorised",
    message: "The API server does not accept the credentials of user 'u': Unauthorized",
  });
  assert.equal(requests.length, 1);
});

Deno.test("A call that is not answered in time is unavailability, and the connections are not used again", async () => {
  const { client, clock, opened, closed } = setUp(({ url }) =>
    url.pathname.endsWith("slow") ? new Promise(() => {}) : json(pod("a"))
  );
  const failed = rejectsAs(client.getPod("slow"), "unavailable");
  await clock.advance(30_000);
  await failed;
  await client.getPod("a");
  assert.deepEqual([opened.length, closed.length], [2, 1]);
  assert.equal(clock.sleepers, 0);
});

Deno.test("An answer that stops in its middle is given up on too", async () => {
  const { client, clock } = setUp(() =>
    new Response(new ReadableStream({ start: (to) => to.enqueue(new TextEncoder().encode('{"')) }))
  );
  const failed = rejectsAs(client.getPod("a"), "unavailable");
  await clock.advance(30_000);
  await failed;
});

Deno.test("An abort throws the signal's reason", async () => {
  const { client, clock } = setUp(() => new Promise(() => {}));
  const abort = new AbortController();
  const reason = new Error("enough");
  const failed = assert.rejects(client.getPod("a", { signal: abort.signal }), reason);
  await settle();
  abort.abort(reason);
  await failed;
  await assert.rejects(client.getPod("a", { signal: abort.signal }), reason);
  await settle();
  assert.equal(clock.sleepers, 0);
});

const status = (code: number) => () => failure(code, { message: "no" }, { date: "Fri, 20 Nov 2026 00:00:00 GMT" });
for (
  const [what, answer, known] of [
    ["success", () => json(pod("a"), { headers: { date: "Fri, 20 Nov 2026 00:00:00 GMT" } }), true],
    ["refusal", status(422), true],
    ["failure", status(503), true],
    [
      "page of something in between",
      () => new Response("bad gateway", { status: 502, headers: { date: "Fri, 20 Nov 2026 00:00:00 GMT" } }),
      false,
    ],
    ["success without a date", () => json(pod("a")), false],
  ] as [string, () => Response, boolean][]
) {
  Deno.test(`The cluster's time is ${known ? "" : "not "}learned from a ${what}`, async () => {
    const { client, clock } = setUp(answer);
    assert.equal(client.now(), undefined);
    await client.getPod("a").catch(() => {});
    await clock.advance(90_000);
    assert.equal(client.now(), known ? Date.UTC(2026, 10, 20) + 90_000 : undefined);
  });
}

Deno.test("The cluster's time is learned from the beginning of a watch", async () => {
  const { client } = setUp(() => new Response("", { headers: { date: "Fri, 20 Nov 2026 00:00:00 GMT" } }));
  for await (const _event of client.watchPods({ resourceVersion: "5", timeoutSeconds: 60, idleTimeoutMs: 75_000 })) {
    // None comes.
  }
  assert.equal(client.now(), Date.UTC(2026, 10, 20));
});

Deno.test("A refused connection is unavailability that names the server and not the call", async () => {
  const { client } = setUp(() => {
    throw new TypeError(
      "error sending request for url (https://api/x): client error (Connect): tcp connect error: Connection refused (os error 111)",
    );
  });
  await assert.rejects(client.getPod("a"), {
    kind: "unavailable",
    message: "Cannot reach the API server at https://api: tcp connect error: Connection refused",
  });
});

Deno.test("New certificates make new connections, and the old ones are closed; a new token does not", async () => {
  const { client, logins, opened, closed } = setUp(() => json(pod("a")));
  await client.getPod("a");
  logins.now = login("two");
  await client.getPod("a");
  assert.equal(opened.length, 1);
  logins.now = login("two", { cert: "C", key: "K" });
  await client.getPod("a");
  assert.deepEqual([opened.length, closed.length], [2, 1]);
});

Deno.test("A watch asks for bookmarks and outlives the time limit of calls", async () => {
  let send!: ReadableStreamDefaultController<Uint8Array>;
  const { client, clock, requests } = setUp(() =>
    new Response(new ReadableStream({ start: (to) => void (send = to) }))
  );
  const events: string[] = [];
  const ended = (async () => {
    for await (
      const { type } of client.watchPods({ resourceVersion: "5", timeoutSeconds: 60, idleTimeoutMs: 75_000 })
    ) events.push(type);
  })();
  await clock.advance(45_000);
  assert.equal(requests[0]?.url.search, "?watch=true&allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds=60");
  send.enqueue(new TextEncoder().encode(`${JSON.stringify({ type: "ADDED", object: pod("a") })}\n`));
  await settle();
  send.close();
  await ended;
  assert.deepEqual(events, ["ADDED"]);
  assert.equal(clock.sleepers, 0);
});

Deno.test("A watch that the server refuses is sorted by kind", async () => {
  const { client } = setUp(() => failure(410, { reason: "Expired", message: "too old" }));
  await assert.rejects(async () => {
    for await (
      const _event of client.watchPods({ resourceVersion: "5", timeoutSeconds: 60, idleTimeoutMs: 75_000 })
    ) { /* None comes. */ }
  }, (error: unknown) => error instanceof KubeError && error.kind === "gone");
});

const EXTENSIONS = "https://api/prefix/apis/hostfactory.symphony/v1/namespaces/grid/hostfactoryextensions";

Deno.test("Registrations of extensions are listed, and told how they stand", async () => {
  const items = [{ metadata: { name: "a" }, spec: {} }];
  const { client, requests } = setUp(({ method }) =>
    json(method === "PATCH" ? {} : { kind: "HostFactoryExtensionList", metadata: { resourceVersion: "1" }, items })
  );
  assert.deepEqual((await client.listExtensions({})).items[0]?.metadata, { name: "a" });
  await client.patchExtensionStatus("a", { uid: "u1", status: { failures: 0 } });
  assert.deepEqual(requests.map(({ method, url }) => `${method} ${url}`), [
    `GET ${EXTENSIONS}`,
    `PATCH ${EXTENSIONS}/a/status`,
  ]);
  assert.deepEqual(requests[1]?.body, { metadata: { uid: "u1" }, status: { failures: 0 } });
});

for (
  const [what, answer] of [
    ["its group", () => new Response("404 page not found\n", { status: 404 })],
    [
      "the kind",
      () => failure(404, { reason: "NotFound", message: "the server could not find the requested resource" }),
    ],
  ] as const
) {
  Deno.test(`That a cluster does not know ${what} is no trouble of registrations, for those may be absent`, async () => {
    const { client } = setUp(answer);
    await rejectsAs(client.listExtensions({}), "notFound");
    const watching = client.watchExtensions({ timeoutSeconds: 1, idleTimeoutMs: 1_000 })[Symbol.asyncIterator]();
    await rejectsAs(watching.next(), "notFound");
    await rejectsAs(client.listPods({}), "unavailable");
  });
}
