/** Whose the work directory is, and who may change it: planted, shared, another user's, opened while serve runs. */
import assert from "node:assert/strict";
import { eventually } from "../support/deadline.ts";
import { clusterTest, siteTest } from "../support/e2e.ts";
import { NOBODY, noOrdinaryUser, noSafePlace, SAFE_PLACE, SOMEBODY } from "../support/ordinary_user.ts";
import { shell } from "../support/shell.ts";
import { machinesOf, type Script, type Site } from "../support/site.ts";

const questions: Record<Script, unknown> = {
  getAvailableTemplates: {},
  requestMachines: { template: { templateId: "small", machineCount: 1 } },
  getRequestStatus: { requests: [{ requestId: "planted" }] },
  requestReturnMachines: { machines: [{ name: "planted-0" }] },
  getReturnRequests: {},
};
const writing: Script[] = ["requestMachines", "requestReturnMachines"];

/** Every way to use the work directory is refused, saying this. */
async function refused(site: Site, says: RegExp): Promise<void> {
  for (const [script, input] of Object.entries(questions)) {
    const { code, answer } = await site.ask(script as Script, { input });
    assert.equal(code, 1, script);
    assert.match(answer.message, says, script);
  }
  const commands = ["serve", "watch pods", "run-cron", "run-cron --run-once --dry-run", "rebuild", "rebuild --dry-run"];
  for (const command of commands) {
    const { code, stderr } = await site.run(command.split(" "));
    assert.equal(code, 1, command);
    assert.match(stderr, says, command);
  }
}

/** Everything in the work directory, as paths from there, that `find` finds. */
function found({ workdir }: Site, expression: string): string[] {
  return shell(`cd '${workdir}' && find . -mindepth 1 ${expression}`).split("\n").filter(Boolean);
}

/** Puts a request for one machine where `serve` takes it up. */
function plant(site: Site, id: string, owner: number): void {
  const directory = `${site.workdir}/requests/${id}`;
  const record = JSON.stringify({ version: 1, templateId: "small", count: 1, requestedAt: 1 });
  shell(`mkdir -m 755 -p '${directory}' && cd '${directory}' && cp '${site.confdir}/small.json' .manifest.json &&
    echo '${record}' > .request.json && ln -s .manifest.json '${id}-0' && chown -hR ${owner}:${owner} .`);
}

siteTest(
  "a work directory that another user planted where all may write is refused, and nothing is put there",
  async (site) => {
    shell(`chmod 755 '${site.directory}' && mkdir -m 1777 '${site.directory}/tmp'`);
    site.workdir = `${site.directory}/tmp/hostfactory`;
    plant(site, "planted", NOBODY);
    shell(`chown -R ${NOBODY}:${NOBODY} '${site.workdir}'`);
    const before = found(site, "");
    await refused(
      site,
      /Cannot use the work directory '.*tmp\/hostfactory': it belongs to user 65534, and others could/,
    );
    assert.deepEqual(found(site, ""), before);
    shell(
      `ln -s hostfactory '${site.directory}/tmp/link' && chown -h ${NOBODY}:${NOBODY} '${site.directory}/tmp/link'`,
    );
    site.workdir = `${site.directory}/tmp/link`;
    const { answer } = await site.ask("requestMachines", { input: questions.requestMachines });
    assert.match(answer.message, /it belongs to user 65534, and others could have put it there/);
  },
  { lacks: noOrdinaryUser },
);

siteTest("root's work directory is read by others, and changed by no one else", async (site) => {
  const id = await site.request(1);
  shell(`chmod -R a+rX '${site.workdir}'`);
  const owned = site.workdir;
  site.workdir = `${site.directory}/input`; // It is not to be given away.
  site.become(NOBODY);
  site.workdir = owned;
  assert.equal((await site.status(id)).status, "running");
  assert.deepEqual((await site.returnRequests()).requests, []);
  const { templates } = await site.tell("getAvailableTemplates", {});
  assert.equal(templates[0].availableNumber, 999);
  for (const script of writing) {
    const { code, answer } = await site.ask(script, { input: questions[script] });
    assert.equal(code, 1);
    assert.match(answer.message, /belongs to root, and this process runs as user 65534.*chown -R 65534:65534 /);
  }
  assert.equal((await site.run(["serve"])).code, 1);
}, { lacks: noOrdinaryUser });

clusterTest("what is in the work directory is no one else's to read, pods and manifests included", async (site) => {
  const serve = site.serve();
  const id = await site.request(2);
  await site.allRunning(id);
  await site.settled(await site.giveBack([`${id}-1`]));
  assert.deepEqual(found(site, "! -type l -perm /077"), []);
  const modes = (paths: string) => shell(`cd '${site.workdir}' && stat -c %a ${paths}`).split("\n");
  assert.deepEqual(modes(`requests requests/${id} requests/${id}/.manifest.json pods/${id}-0`), [
    "700",
    "700",
    "600",
    "600",
  ]);
  assert.deepEqual(modes("."), ["755"], "what was there stays as it was");
  await serve.stop();
});

clusterTest("what root does in another user's directory is that user's, who goes on where root stops", async (site) => {
  const directory = Deno.makeTempDirSync({ dir: SAFE_PLACE, prefix: "hostfactory-e2e-" });
  try {
    shell(`chmod 755 '${directory}' && mkdir '${directory}/work' && chown ${NOBODY}:${NOBODY} '${directory}/work'`);
    site.workdir = `${directory}/work`;
    const serve = site.serve();
    const first = await site.request(2);
    await site.allRunning(first);
    await site.cluster.deletePod(`${first}-0`);
    await eventually("the machine that went is named", async () => (await site.returnRequests()).requests.length === 1);
    await site.settled(await site.giveBack([`${first}-0`]));
    assert.deepEqual(found(site, `! -user ${NOBODY} -o ! -group ${NOBODY}`), []);

    site.become(NOBODY);
    const second = await site.request(1);
    await site.allRunning(second);
    const standby = site.serve();
    await standby.says(/Standby: nothing is changed/);
    assert.equal(await standby.stop(), 0, "root has it");
    await serve.stop();
    const theirs = site.serve();
    const third = await site.request(1);
    await site.allRunning(third);
    await site.settled(await site.giveBack([`${first}-1`, ...machinesOf(second, 1), ...machinesOf(third, 1)]));
    assert.deepEqual(await site.cluster.podNames(), []);
    assert.deepEqual(site.entries("set-aside"), []);
    await theirs.stop();
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}, { lacks: noOrdinaryUser ?? noSafePlace });

clusterTest(
  "a work directory that is opened to others while serve runs is not used until it is closed",
  async (site) => {
    const serve = site.serve();
    const first = await site.request(1);
    await site.allRunning(first);
    shell(`chmod o+w '${site.workdir}/requests'`);
    await serve.says(/starting over.*writable by others than its owner \(mode 702\)/);
    await serve.says(/Work directory not usable .*chmod -R go-w /);
    plant(site, "late", 0);
    plant(site, "planted", NOBODY);
    await refused(
      site,
      /'.*\/requests' is writable by others than its owner \(mode 702\).*chmod -R go-w .*--shared-workdir/,
    );
    assert.deepEqual(await site.cluster.podNames(), [`${first}-0`]);

    shell(`chmod o-w '${site.workdir}/requests'`);
    await site.allRunning("late");
    assert.equal((await site.status(first)).status, "complete");
    await serve.says(/Quarantined.*requests\/planted.*It belongs to user 65534/);
    assert.deepEqual((await site.cluster.podNames()).sort(), [`${first}-0`, "late-0"].sort());
    await serve.stop();
  },
  { lacks: noOrdinaryUser },
);

clusterTest("users who share a work directory, and say so, work in it together", async (site) => {
  const group = "--reuid={} --regid=65533 --clear-groups";
  shell(
    `chmod 755 '${site.directory}' && chown ${SOMEBODY}:${SOMEBODY} '${site.workdir}' && chmod 2775 '${site.workdir}'`,
  );
  const environment = { HF_K8S_SHARED_WORKDIR: "1" };
  const as = (uid: number, command: string) => [
    "-c",
    `umask 007; exec setpriv ${group.replace("{}", `${uid}`)} "$HOSTFACTORY_BIN" ${command}`,
  ];
  const serve = site.start(as(SOMEBODY, "serve"), { program: "/bin/sh", environment });
  await serve.says(/Watching/);
  const question = site.write("question.json", JSON.stringify(questions.requestMachines));
  const asked = site.start(as(NOBODY, `request-machines --request-id shared -f '${question}'`), {
    program: "/bin/sh",
    environment,
  });
  assert.equal(await asked.ended(), 0, asked.stderr);
  await eventually("its machine runs", () => site.entries("pods-status").includes("shared-0"));
  await eventually("its pod is there", async () => (await site.cluster.podNames()).join() === "shared-0");
  assert.deepEqual(found(site, "! -type l -perm /007"), [], "the umask says who may read");
  const { code, answer } = await site.ask("requestMachines", { input: questions.requestMachines });
  assert.equal(code, 1);
  assert.match(answer.message, /--shared-workdir|others could have put it there/);
  await serve.stop();
}, { lacks: noOrdinaryUser });
