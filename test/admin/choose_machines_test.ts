import assert from "node:assert/strict";
import { chooseMachines, chooseRequests } from "../../src/admin/choose_machines.ts";
import type { PicturedMachine } from "../../src/admin/picture_of_machine.ts";
import type { PicturedRequest } from "../../src/admin/picture_of_requests.ts";

const machines = [
  { name: "a-0", requestId: "a", templateId: "T", state: "running", node: "n2", since: 50, returnId: "ret" },
  { name: "a-1", requestId: "a", templateId: "T", state: "pending", node: "", since: 90 },
  { name: "b-0", requestId: "b", templateId: "S", state: "running", node: "n1", since: undefined },
  { name: "b-1", requestId: "b", templateId: "S", state: "running", node: "n2", since: 50 },
] as PicturedMachine[];

function names(filter: Parameters<typeof chooseMachines>[1], sort: "name" | "state" | "age" | "node" = "name") {
  return chooseMachines(machines, filter, { now: 100, sort }).map(({ name }) => name);
}

Deno.test("each filter takes away what it does not name", () => {
  assert.deepEqual(names({}), ["a-0", "a-1", "b-0", "b-1"]);
  assert.deepEqual(names({ states: ["running"] }), ["a-0", "b-0", "b-1"]);
  assert.deepEqual(names({ templates: ["S", "X"] }), ["b-0", "b-1"]);
  assert.deepEqual(names({ nodes: ["n2"] }), ["a-0", "b-1"]);
  assert.deepEqual(names({ requests: ["a"] }), ["a-0", "a-1"]);
  assert.deepEqual(names({ requests: ["ret"] }), ["a-0"]);
  assert.deepEqual(names({ olderThan: 50 }), ["a-0", "b-1"]);
  assert.deepEqual(names({ youngerThan: 10 }), ["a-1"]);
  assert.deepEqual(names({ states: ["running"], nodes: ["n2"], templates: ["T"] }), ["a-0"]);
});

Deno.test("lists are sorted, and what is equal keeps its order", () => {
  assert.deepEqual(names({}, "state"), ["a-1", "a-0", "b-0", "b-1"]);
  assert.deepEqual(names({}, "age"), ["b-0", "a-0", "b-1", "a-1"]);
  assert.deepEqual(names({}, "node"), ["a-1", "b-0", "a-0", "b-1"]);
});

Deno.test("requests are filtered likewise", () => {
  const requests = [{ id: "a", templateId: "T", requestedAt: 10 }, {
    id: "b",
    templateId: "S",
    requestedAt: 95,
  }] as PicturedRequest[];
  const ids = (filter: Parameters<typeof chooseRequests>[1]) =>
    chooseRequests(requests, filter, { now: 100 }).map(({ id }) => id);
  assert.deepEqual(ids({ templates: ["T"] }), ["a"]);
  assert.deepEqual(ids({ youngerThan: 20 }), ["b"]);
});
