import assert from "node:assert/strict";
import { systemClock } from "../../../src/clock.ts";
import { type Simulator, startSimulator } from "../../../src/simulator/api/server.ts";
import { eventually } from "../../support/deadline.ts";
import { SkewedClock } from "../../support/skewed_clock.ts";
import { podOf, WatchReader } from "../fixture.ts";

const PODS = "/api/v1/namespaces/default/pods";

/** A simulator on a free port, and somebody who asks it. */
class Served implements AsyncDisposable {
  readonly simulator: Simulator;

  constructor(options: Partial<Parameters<typeof startSimulator>[0]> = {}) {
    this.simulator = startSimulator({ seed: 1, ...options });
  }

  send(method: string, path: string, { body, token }: { body?: unknown; token?: string } = {}): Promise<Response> {
    return fetch(this.simulator.url + path, {
      method,
      headers: { authorization: `Bearer ${token ?? this.simulator.token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  // deno-lint-ignore no-explicit-any
  async ask(...asked: Parameters<Served["send"]>): Promise<{ status: number; body: any }> {
    const response = await this.send(...asked);
    return { status: response.status, body: await response.json() };
  }

  async [Symbol.asyncDispose]() {
    await this.simulator.stop();
    await this.simulator.finished;
  }
}

Deno.test("every answer carries the time of the simulated cluster, which may be another than ours", async () => {
  const clock = new SkewedClock(systemClock, -3_600_000);
  await using served = new Served({ clock });
  for (const path of [PODS, `${PODS}/none`, `${PODS}?watch=1&timeoutSeconds=0`, "/healthz"]) {
    const response = await served.send("GET", path);
    await response.body?.cancel();
    const lateMs = clock.now() - Date.parse(response.headers.get("date") ?? "");
    assert.ok(lateMs >= 0 && lateMs < 30_000, `${path}: ${lateMs} ms late`);
  }
});

Deno.test("a pod that is created over HTTP is seen by a watch over HTTP", async () => {
  await using served = new Served();
  const watch = new WatchReader(await served.send("GET", `${PODS}?watch=1`));
  assert.equal((await served.ask("POST", PODS, { body: podOf("p") })).status, 201);
  assert.equal(await eventually("the first event", async () => (await watch.said())[0]), "ADDED p Pending");
});

Deno.test("a watch over HTTP ends cleanly when its time is over", async () => {
  await using served = new Served();
  const watch = new WatchReader(await served.send("GET", `${PODS}?watch=1&timeoutSeconds=1`));
  await watch.done;
  assert.equal(watch.ended, "clean");
});

Deno.test("the kubeconfig names server, token and namespace, and a wrong token is refused", async () => {
  await using served = new Served({ requireToken: true });
  const { clusters, users, contexts } = JSON.parse(served.simulator.kubeconfig());
  assert.equal(clusters[0].cluster.server, served.simulator.url);
  assert.equal(contexts[0].context.namespace, "default");
  assert.equal((await served.ask("GET", PODS, { token: users[0].user.token })).status, 200);
  const { status, body } = await served.ask("GET", PODS, { token: "wrong" });
  assert.deepEqual([status, body.reason, body.message], [401, "Unauthorized", "Unauthorized"]);
  const anonymous = await fetch(served.simulator.url + PODS);
  assert.equal(anonymous.status, 403);
  await anonymous.body?.cancel();
});

Deno.test("an answer that is lost breaks the connection, and what was asked for is done", async () => {
  await using served = new Served();
  served.simulator.cluster.setFault({ name: "lost-answers", count: 1 });
  await assert.rejects(async () => await (await served.send("POST", PODS, { body: podOf("p") })).text(), TypeError);
  assert.equal(served.simulator.cluster.countPods().total, 1);
});

Deno.test("faults are switched on and off while it runs, by an administrator alone", async () => {
  await using served = new Served({ users: [{ name: "alice", token: "alice", allow: ["list pods"] }] });
  const fault = { name: "failing", status: 503, verbs: ["list"] };
  assert.equal((await served.ask("PUT", "/simulator/faults/list-fails", { body: fault, token: "alice" })).status, 403);
  assert.equal((await served.ask("PUT", "/simulator/faults/list-fails", { body: { ...fault, share: 7 } })).status, 400);
  const { body } = await served.ask("PUT", "/simulator/faults/list-fails", { body: fault });
  assert.deepEqual(body.faults.map(({ id }: { id: string }) => id), ["list-fails"]);
  assert.equal((await served.ask("GET", PODS)).status, 503);
  assert.equal((await served.ask("DELETE", "/simulator/faults/list-fails")).status, 200);
  assert.equal((await served.ask("DELETE", "/simulator/faults/list-fails")).status, 404);
  assert.equal((await served.ask("GET", PODS, { token: "alice" })).status, 200);
});

Deno.test("a stop ends everything, with pods, watches and faults under way", async () => {
  const served = new Served();
  served.simulator.cluster.setFault({ name: "evictions" });
  const watch = new WatchReader(await served.send("GET", `${PODS}?watch=1`));
  await served.ask("POST", PODS, { body: podOf("p") });
  await served.simulator.stop();
  await watch.done;
  await assert.rejects(served.send("GET", PODS), TypeError);
});

for (const version of [1, 2]) {
  Deno.test(`a web page can neither read nor drive it, over HTTP/${version}`, async () => {
    await using served = new Served();
    using client = Deno.createHttpClient({ http1: version === 1, http2: version === 2, allowHost: true });
    const { host, port } = new URL(served.simulator.url);
    const url = `http://127.0.0.1:${port}`;
    const ask = async (method: string, path: string, headers: Record<string, string>) => {
      const response = await fetch(url + path, { method, headers, client });
      return { status: response.status, body: await response.json() };
    };
    for (
      const [method, path] of [["GET", PODS], ["DELETE", `${PODS}/p`], ["PUT", "/simulator/faults/evictions"]] as const
    ) {
      const rebound = await ask(method, path, { host: `evil.example:${port}` });
      assert.deepEqual([rebound.status, rebound.body.kind, rebound.body.code], [421, "Status", 421]);
      assert.match(rebound.body.message, new RegExp(`'evil.example:${port}'.*with port ${port}$`));
      const foreign = await ask(method, path, { host, origin: "http://evil.example" });
      assert.deepEqual([foreign.status, foreign.body.kind, foreign.body.reason], [403, "Status", "Forbidden"]);
      assert.equal((await ask(method, path, { host, "sec-fetch-site": "cross-site" })).status, 403);
    }
    assert.deepEqual((await ask("GET", "/simulator", { host, origin: url })).body.faults, []);
    const named = await ask("GET", PODS, { host: `${Deno.hostname()}:${port}` });
    assert.equal(named.status, 200, "this machine's name is its own");
  });
}

Deno.test("a port that is taken is said so", async () => {
  await using served = new Served();
  const port = Number(new URL(served.simulator.url).port);
  assert.throws(() => startSimulator({ seed: 1, port }), { message: `Cannot listen on 127.0.0.1, port ${port}` });
});
