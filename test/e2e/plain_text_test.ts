/** Words from outside that would drive a terminal or forge a line: they reach neither a terminal nor a log as they are. */
import assert from "node:assert/strict";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";
import { manifest } from "../support/site.ts";

const evil = "\x1b[2K\x1b]0;owned\x07\n2026-01-01T00:00:00.000Z info serve: forged\u202eevil\x9b";
const shown = "\\u001b[2K\\u001b]0;owned\\u0007 2026-01-01T00:00:00.000Z info serve: forged\\u202eevil\\u009b";
const isPlain = /^[^\p{Cc}\p{Bidi_Control}]*$/u;

clusterTest("what the message of a pod's condition holds forges no log line and drives no terminal", async (site) => {
  // These pods are never scheduled, so that only this test writes their status.
  site.writeTemplates({ small: { ...manifest, spec: { ...manifest.spec, schedulerName: "nobody" } } });
  const serve = site.serve("--pod-timeout", "2");
  const id = await site.request(1);
  await eventually("the pod", async () => (await site.cluster.podNames()).includes(`${id}-0`));
  const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message: evil } as const;
  await site.cluster.setStatus(`${id}-0`, { conditions: [condition] });
  const { code, stdout, answer } = await eventually("the machine has failed", async () => {
    const input = { requests: [{ requestId: id }] };
    const asked = await site.ask("getRequestStatus", { input });
    return asked.answer.requests[0].status === "complete_with_error" && asked;
  });
  assert.equal(code, 0);
  const [machine] = answer.requests[0].machines;
  assert.ok(machine.message.includes("forged\u202eevil\x9b"), machine.message);
  for (const line of stdout.split("\n")) assert.match(line, isPlain);

  await serve.says(/Machines wait/);
  await serve.stop();
  assert.ok(serve.stderr.includes(`reason="Unschedulable: ${shown}"`), serve.stderr);
  for (const line of serve.stderr.trimEnd().split("\n")) {
    assert.match(line, isPlain);
    assert.match(line, /^\d{4}-\d\d-\d\dT\S+Z (info|warning|error) /);
    assert.doesNotMatch(line, /^2026-01-01/);
  }
});

clusterTest("the demo shows the name of a file as plain text", async (site) => {
  const kubeconfig = site.write(evil, site.cluster.kubeconfig());
  const demo = site.start(["demo", "--machines", "3", "--kubeconfig", kubeconfig], {
    environment: { TMPDIR: site.directory },
  });
  assert.equal(await demo.ended(), 0, demo.stderr);
  assert.ok(
    demo.stdout.includes(`reach the cluster: pods can be listed with ${site.directory}/${shown}\n`),
    demo.stdout,
  );
  for (const line of demo.stdout.split("\n")) assert.match(line, isPlain);
});
