/** Credential plug-ins that behave badly, as processes of the executable. */
import assert from "node:assert/strict";
import { eventually } from "../support/deadline.ts";
import { siteTest } from "../support/e2e.ts";
import { isRunning } from "../support/process.ts";
import type { Site } from "../support/site.ts";

/** Makes a shell script the site's credential plug-in. */
function writePlugin(site: Site, body: string): void {
  const path = site.write("plug", `#!/bin/sh\n${body}\n`);
  Deno.chmodSync(path, 0o755);
  site.write(
    "kubeconfig",
    JSON.stringify({
      "current-context": "x",
      clusters: [{ name: "c", cluster: { server: "http://127.0.0.1:1" } }],
      users: [{ name: "u", user: { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "./plug" } } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    }),
  );
}

siteTest(
  "serve that stops ends a credential plug-in that ignores SIGTERM, and its children",
  async (site) => {
    writePlugin(site, `trap '' TERM; sleep 1000 & echo $$ $! > '${site.directory}/pids'; wait`);
    const serve = site.serve();
    const pids = await eventually("the plug-in runs", () => {
      const text = Deno.readTextFileSync(`${site.directory}/pids`);
      return text.endsWith("\n") && text.trim().split(" ").map(Number);
    });
    assert.deepEqual(pids.map(isRunning), [true, true]);
    assert.equal(await serve.stop(), 0);
    await eventually("the plug-in and its child are gone", () => !pids.some(isRunning));
  },
);

siteTest("serve says that a credential plug-in prints without end, and ends it", async (site) => {
  writePlugin(site, `echo $$ > '${site.directory}/pid'; exec yes`);
  const serve = site.serve();
  await serve.says(/The credential plug-in '.\/plug' of user 'u' of '.*\/kubeconfig' printed more than 1 MiB/);
  assert.ok(!isRunning(Number(Deno.readTextFileSync(`${site.directory}/pid`))));
  assert.equal(await serve.stop(), 0);
});
