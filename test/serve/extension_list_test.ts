import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config.ts";
import { seededRandom } from "../../src/random.ts";
import { listExtensions } from "../../src/serve/extension_list.ts";
import { MemoryFiles } from "../support/memory_files.ts";

const DIRECTORY = "/conf/extensions.d";

/** What is listed of these files, without a cluster. */
function list(files: Record<string, object>, { confdir }: { confdir?: string | undefined } = { confdir: "/conf" }) {
  const memory = new MemoryFiles();
  memory.makeDirectory(DIRECTORY);
  for (const [name, one] of Object.entries(files)) memory.writeText(`${DIRECTORY}/${name}`, JSON.stringify(one));
  const world = { environment: {}, files: memory, clock: systemClock, random: seededRandom(1) };
  const config = { ...loadConfig({}, {}), confdir };
  return listExtensions(world, config, { server: false, signal: new AbortController().signal });
}

const hooks = { "pre-create": "https://a/" };

Deno.test("every registration is listed with what is known of it, its credentials looked at", async () => {
  const { extensions, errors } = await list({
    "a.json": { name: "a", hooks, category: "x", priority: 3, credentials: { tokenFile: "none" } },
    "b.json": { name: "b", hooks, bogus: 1 },
  });
  const [a, b] = extensions;
  assert.deepEqual({ ...a, problems: a?.problems.map(({ severity }) => severity) }, {
    name: "a",
    verdict: "accepted",
    source: { kind: "file", path: `${DIRECTORY}/a.json` },
    category: "x",
    hooks,
    unknownHooks: [],
    priority: 3,
    failurePolicy: "fail",
    problems: ["warning"],
  });
  assert.deepEqual([b?.name, b?.verdict, b?.hooks, b?.problems.length], ["b", "broken", undefined, 1]);
  assert.equal(errors, 1);
});

Deno.test("the order has only those that are called before a pod is created, each with what it comes after", async () => {
  const { order, errors } = await list({
    "a.json": { name: "a", hooks, after: ["b", "quiet"] },
    "b.json": { name: "b", hooks, priority: 1 },
    "c.json": { name: "quiet", hooks: { lint: "https://a/" } },
  });
  assert.deepEqual(order, [{ name: "b", priority: 1, after: [] }, { name: "a", priority: 0, after: ["b"] }]);
  assert.equal(errors, 0);
});

Deno.test("without a configuration directory and without a cluster there is nothing to list", async () => {
  await assert.rejects(() => list({}, {}), { hint: /--confdir/ });
});
