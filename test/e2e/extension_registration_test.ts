/** Extensions that files and resources register: who is accepted, and who is told why not. */
import assert from "node:assert/strict";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";

const hooks = { notify: "https://inventory.example.com/notify" };

clusterTest("a resource is told whether its extension is accepted, and a file of its name wins", async (site) => {
  const { cluster } = site;
  await cluster.allowExtensions();
  await cluster.createExtension("early", { hooks });
  Deno.mkdirSync(`${site.confdir}/extensions.d`);
  const serve = site.serve();
  const told = (name: string, is: string, reason: string) =>
    eventually(`${name}: ${is} ${reason}`, async () => {
      const accepted = await cluster.acceptedExtension(name);
      return accepted?.[0] === is && accepted[1] === reason && accepted;
    });
  await told("early", "True", "Accepted");
  await cluster.createExtension("late", { hooks, after: ["early"], batch: 5 });
  await told("late", "True", "Accepted");

  for (const wrong of [{}, { hooks: { notify: "ftp://a" } }, { hooks, timeoutSeconds: 61 }, { hooks, before: ["A"] }]) {
    await assert.rejects(() => cluster.createExtension("wrong", wrong), /: 422 /, JSON.stringify(wrong));
  }
  // What a schema cannot say.
  await cluster.createExtension("guarded", { hooks: { notify: "https://169.254.169.254/" } });
  const [, , message] = await told("guarded", "False", "Invalid");
  assert.match(message ?? "", /link-local/);

  site.write("conf/extensions.d/both.yaml", `name: both\nhooks: ${JSON.stringify(hooks)}\n`);
  await serve.says(/Extension 'both' in '.*both\.yaml' is used/);
  await cluster.createExtension("both", { hooks });
  await told("both", "False", "FileWins");

  const { stdout, stderr } = await site.run(["extensions", "list", "--server", "--output", "json"]);
  const { extensions } = JSON.parse(stdout);
  const verdicts = extensions.map((one: { name: string; verdict: string }) => `${one.name}: ${one.verdict}`).sort();
  assert.deepEqual(verdicts, [
    "both: accepted",
    "both: file wins",
    "early: accepted",
    "guarded: broken",
    "late: accepted",
  ], stderr);

  await cluster.call("DELETE", cluster.extensionPath("early"));
  await serve.says(/Extension 'early' is not used any more/);
  assert.equal(await serve.stop(), 0);
});

clusterTest("where resources cannot register extensions, files do, and no one hears of the rest", async (site) => {
  Deno.mkdirSync(`${site.confdir}/extensions.d`);
  site.write("conf/extensions.d/broken.yaml", `name: broken\nhooks: ${JSON.stringify(hooks)}\nbogus: 1\n`);
  site.write("conf/extensions.d/good.yaml", `name: good\nhooks: ${JSON.stringify(hooks)}\n`);
  const serve = site.serve();
  await serve.says(/Extension 'good' in '.*good\.yaml' is used/);
  await serve.says(/Cannot use extension 'broken' in '.*broken\.yaml': bogus is not known/);
  await site.allRunning(await site.request(1));
  assert.doesNotMatch(serve.stderr, /HostFactoryExtension|hostfactoryextensions/);
  const { code, stdout } = await site.run(["extensions", "order"]);
  assert.deepEqual([code, stdout], [1, "No extension is called before a pod is created\n"]);
});
