/** Long-running commands ignore SIGHUP, which a terminal sends when it is closed. */
import assert from "node:assert/strict";
import { eventually } from "../support/deadline.ts";
import { clusterTest, siteTest } from "../support/e2e.ts";
import { script } from "../support/programs.ts";
import { manifest } from "../support/site.ts";

const commands: [args: string[], started: RegExp][] = [
  [["serve"], /Standby: nothing is changed/],
  [["watch", "request-machines"], /Standby: nothing is changed/],
  [["watch", "request-return-machines"], /Standby: nothing is changed/],
  [["watch", "pods"], /Standby: nothing is changed/],
  [["watch", "nodes"], /Standby: nothing is changed/],
  [["watch", "events"], /Storing events/],
  [["run-cron"], /Standby: nothing is changed/],
  [["simulate"], /listens on/],
];
for (const [args, started] of commands) {
  siteTest(`SIGHUP does not end \`${args.join(" ")}\``, async (site) => {
    const running = site.start(args);
    await running.says(started);
    running.signal("SIGHUP");
    assert.equal(await running.stop(), 0, running.stderr);
  });
}

siteTest("SIGHUP does not end `rebuild`", async (site) => {
  using server = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const called = server.accept();
  const { port } = server.addr as Deno.NetAddr;
  site.write(
    "kubeconfig",
    JSON.stringify({
      "current-context": "x",
      clusters: [{ name: "c", cluster: { server: `http://127.0.0.1:${port}` } }],
      contexts: [{ name: "x", context: { cluster: "c" } }],
    }),
  );
  const running = site.start(["rebuild"]);
  using _connection = await called;
  running.signal("SIGHUP");
  assert.equal(await running.stop(), 130, "ended by SIGTERM, with a message");
  assert.match(running.stderr, /^hostfactory: /);
});

siteTest("A terminal that is closed does not end `demo`", async (site) => {
  const status = `${site.directory}/status`;
  const command = `trap '' HUP; "$HOSTFACTORY_BIN" demo --machines 3; echo $? > '${status}'`;
  const environment = { TMPDIR: site.directory, SHELL: "/bin/sh" };
  const terminal = site.start(["-qec", command, "/dev/null"], { program: script!, environment });
  await terminal.says(/✓ start serve/);
  assert.ok(!exists(status));
  await terminal.kill();
  await eventually("the end of the demo", () => exists(status) && Deno.readTextFileSync(status).endsWith("\n"));
  assert.equal(Deno.readTextFileSync(status), "0\n");
}, { lacks: script ? undefined : "script" });

clusterTest("Ctrl-C at a question ends it, and nothing is done", async (site) => {
  const serve = site.serve();
  const id = await site.request(1);
  await site.allRunning(id);
  const typed = `${site.directory}/typed`;
  await new Deno.Command("mkfifo", { args: [typed] }).output();
  const command = `exec script -qec '"$HOSTFACTORY_BIN" admin delete-pods' /dev/null < '${typed}'`;
  const terminal = site.start(["-c", command], { program: "/bin/sh", environment: { SHELL: "/bin/sh" } });
  using keyboard = await Deno.open(typed, { write: true });
  await terminal.says(/\[y\/N\]/);
  await keyboard.write(new Uint8Array([3]));
  assert.equal(await terminal.ended(), 130, terminal.stdout);
  assert.match(terminal.stdout, /hostfactory: Stopped before it was done/);
  assert.deepEqual(await site.cluster.podNames(), [`${id}-0`]);
  await serve.stop();
}, { on: ["simulator"], lacks: script ? undefined : "script" });

clusterTest("Ctrl-C while pods are waited for says so in our own words, and exits with 130", async (site) => {
  site.writeTemplates({
    hangs: { ...manifest, metadata: { labels: { "hostfactory.test/behaviour": "hangs-on-delete" } } },
  });
  const serve = site.serve();
  await site.allRunning(await site.request(1, { templateId: "hangs" }));
  const deleting = site.start(["admin", "delete-pods", "--yes"]);
  await eventually("the pod is being deleted", async () => {
    const { stdout } = await site.run(["admin", "list-machines", "--output", "json"]);
    return JSON.parse(stdout).machines[0].goneAt !== undefined;
  });
  deleting.signal("SIGINT");
  assert.equal(await deleting.ended(), 130, deleting.stderr);
  assert.match(deleting.stderr, /\nhostfactory: Stopped before it was done\n$/);
  await serve.stop();
}, { on: ["simulator"] });

clusterTest("A log file that is renamed is followed by a new one", async (site) => {
  const [log, rotated] = [`${site.directory}/log`, `${site.directory}/log.1`];
  const serve = site.start(["--log-file", log, "serve"]);
  await eventually("the log", () => exists(log) && Deno.readTextFileSync(log).includes("Watching"));
  Deno.renameSync(log, rotated);
  serve.signal("SIGHUP");
  assert.equal(await serve.stop(), 0, serve.stderr);
  assert.match(Deno.readTextFileSync(rotated), /^\S+ info +serve: Watching/m);
  assert.match(Deno.readTextFileSync(log), /serve: Stopped\n$/);
});

function exists(path: string): boolean {
  try {
    return Deno.lstatSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
