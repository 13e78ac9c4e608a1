/**
 * The compiled binary on a real API server while everything goes wrong: `deno task chaos [--minutes N] [--seed N]`. The
 * control plane comes from the kit beside the checkout and is broken as well; where HF_TEST_KUBECONFIG names a cluster, that
 * one is taken, and left whole. Exit status 1 where anything was lost, doubled, left behind or told wrong.
 */
import { parseArgs } from "node:util";
import { root } from "../support/tree.ts";
import { ControlPlane } from "./control_plane.ts";
import { runChaos } from "./run.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { minutes: { type: "string", default: "10" }, seed: { type: "string" } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
if (!(minutes > 0 && minutes <= 10_000) || !Number.isInteger(seed)) {
  console.error("--minutes must be a number above 0, --seed a whole number");
  Deno.exit(2);
}
const on = Deno.env.get("HF_TEST_KUBECONFIG") ? "given" : "own";
if (on === "own" && !ControlPlane.isThere) {
  console.error("there is no cluster: set HF_TEST_KUBECONFIG to the kubeconfig of one");
  Deno.exit(1);
}
if (!Deno.env.get("HF_BINARY")) Deno.env.set("HF_BINARY", `${root}dist/hostfactory`);
console.log(`seed ${seed}: what is tried is the same again, what the machine makes of it is not`);
const { violations, struck, machines, calls, settledSeconds } = await runChaos({ minutes, seed, on, say: console.log });
for (const [name, times] of [...struck].sort()) console.log(`${String(times).padStart(5)}  ${name}`);
console.log(`${machines} machines, ${calls} calls of provider scripts; settled after ${settledSeconds.toFixed(0)} s`);
for (const text of violations) console.log(`VIOLATION: ${text}`);
console.log(`${violations.length} violations`);
Deno.exitCode = violations.length === 0 ? 0 : 1;
