import assert from "node:assert/strict";
import { seededRandom } from "../../../src/random.ts";
import { SimulatedCluster } from "../../../src/simulator/cluster.ts";
import { SimulatedClock } from "../../support/simulated_clock.ts";
import golden from "../golden/answers.json" with { type: "json" };
import type { Exchange } from "../golden_exchange.ts";
import { type Answer, play } from "../golden_exchanges.ts";

Deno.test("the simulator answers word for word as the real API server did when it was recorded", async (t) => {
  const clock = new SimulatedClock();
  const cluster = new SimulatedCluster({
    clock,
    random: seededRandom(1),
    namespaces: ["tight", "strict", "going"],
    users: [{ name: "admin", token: "admin" }, { name: "alice", token: "alice", allow: [] }],
  });
  cluster.setFault({ name: "quota", quota: "q", limit: 0, paths: ["/namespaces/tight/"] });
  cluster.setFault({ name: "pod-security", paths: ["/namespaces/strict/"] });
  const send = async (exchange: Exchange) => {
    const response = await cluster.handle(requestOf(exchange));
    // A watch ends in time.
    if (exchange.path.includes("timeoutSeconds")) await clock.advance(1000);
    return response;
  };
  const answers = await play(send);
  for (const [position, answer] of answers.entries()) {
    await t.step(answer.name, () => assert.deepEqual(answer, (golden as Answer[])[position]));
  }
  cluster.stop();
});

function requestOf({ method, path, body, contentType, accept = "application/json", as = "admin" }: Exchange): Request {
  return new Request(`http://simulator${path}`, {
    method,
    headers: {
      authorization: `Bearer ${as}`,
      accept,
      ...(body === undefined ? {} : { "content-type": contentType ?? "application/json" }),
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
}
