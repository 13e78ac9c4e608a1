/** Long-running commands ignore SIGHUP, which a terminal sends when it is closed. */
import assert from "node:assert/strict";
import { eventually } from "../support/deadline.ts";
import { clusterTest, siteTest } from "../support/e2e.ts";

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
  assert.equal(await running.stop(), 1, "ended by SIGTERM, with a message");
  assert.match(running.stderr, /^hostfactory: /);
});

const script = ["/usr/bin/script", "/bin/script"].find(exists);
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
