/** The cluster remembers: work directories are lost, restored and renamed, side by side with others. */
import assert from "node:assert/strict";
import type { RequestStatusAnswer } from "../../src/hf/answers.ts";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";
import { granted, roleObjects } from "../support/role.ts";
import { machinesOf, manifest, type Site } from "../support/site.ts";

/** What is said of machines: everything but the words for people. */
function said(machines: RequestStatusAnswer["machines"]) {
  return machines.map(({ message: _, ...machine }) => machine);
}

/** A copy of the work directory as it is now. */
function backUp(site: Site): string {
  const path = `${site.directory}/backup`;
  copy(site.workdir, path);
  return path;
}

/** Copies a directory in which files may come and go meanwhile, which makes a copy fail. */
function copy(from: string, to: string): void {
  for (let left = 20; left > 0; left--) {
    if (new Deno.Command("cp", { args: ["-a", from, to], stderr: "null" }).outputSync().success) return;
    Deno.removeSync(to, { recursive: true });
  }
  assert.fail(`cannot copy ${from}`);
}

/** Removes the work directory, which fails where `serve` writes into it meanwhile. */
function lose(site: Site): void {
  for (let left = 20;; left--) {
    try {
      return Deno.removeSync(site.workdir, { recursive: true });
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

/** Puts a backup in the place of the work directory, whole and at once; `serve` may make itself a new one just before. */
function restore(site: Site, backup: string): void {
  for (let i = 0;; i++) {
    Deno.renameSync(site.workdir, `${site.directory}/lost-${i}`);
    try {
      return Deno.renameSync(backup, site.workdir);
    } catch (error) {
      if (i === 20 || (error as { code?: string }).code !== "ENOTEMPTY") throw error;
    }
  }
}

/** The request once it is answered again; until then nothing is said of it but that it runs. */
async function answeredAgain(site: Site, id: string): Promise<RequestStatusAnswer> {
  return await eventually(`${id} is answered again`, async () => {
    const answer = await site.status(id);
    if (answer.status !== "running") return answer;
    assert.ok(answer.machines.every(({ result }) => result === "succeed"));
  });
}

for (const when of ["while serve runs", "while serve is stopped"]) {
  clusterTest(`a work directory that is removed ${when} is rebuilt, and the answers are the same`, async (site) => {
    let serve = site.serve();
    const id = await site.request(4);
    await site.allRunning(id);
    const gone = await site.giveBack([`${id}-3`]);
    await site.settled(gone);
    const before = await site.status(id);
    if (when === "while serve is stopped") await serve.stop();
    lose(site);
    if (when === "while serve is stopped") {
      assert.equal((await site.status(id)).status, "running", "nothing is said before it is known");
      serve = site.serve();
    }

    const after = await answeredAgain(site, id);
    assert.deepEqual(said(after.machines.slice(0, 3)), said(before.machines.slice(0, 3)));
    assert.deepEqual(after.machines[3]?.status, "terminated");
    assert.match(after.machines[3]?.message ?? "", /It had no pod when its request, lost with the work directory/);
    assert.equal(after.status, "complete_with_error");
    // Nothing is known of it but that it is gone: Symphony might believe in it.
    const { requests } = await eventually("what is gone is named", async () => {
      const answer = await site.returnRequests();
      return answer.requests.length > 0 && answer;
    });
    assert.deepEqual(requests.map(({ machine }) => machine), [`${id}-3`]);
    assert.equal((await site.status("neverissued1")).status, "complete_with_error");

    const next = await site.request(1);
    await site.allRunning(next);
    await site.settled(await site.giveBack([...machinesOf(id, 4), `${next}-0`]));
    assert.deepEqual(await site.cluster.podNames(), []);
    assert.ok(serve.isAlive);
    assert.doesNotMatch(serve.stderr, /^\s+at /m, "no stack traces in the log");
  });

  clusterTest(`what came after a backup is adopted when that is restored ${when}`, async (site) => {
    let serve = site.serve();
    const old = await site.request(2);
    await site.allRunning(old);
    const backup = backUp(site);
    const late = await site.request(2);
    const before = await site.allRunning(late);
    await site.settled(await site.giveBack([`${old}-0`]));
    if (when === "while serve is stopped") await serve.stop();
    restore(site, backup);
    if (when === "while serve is stopped") serve = site.serve();

    assert.deepEqual(
      said(
        (await site.statusOnce(late, ({ status }) => status === "complete")).machines,
      ),
      said(before),
    );
    // The machine that was given back since is gone.
    const { machines } = await site.statusOnce(old, ({ machines: [first] }) => first?.status === "terminated");
    assert.equal(machines[1]?.status, "running");
    await site.settled(await site.giveBack([`${old}-1`, ...machinesOf(late, 2)]));
    assert.deepEqual(await site.cluster.podNames(), []);
    assert.ok(serve.isAlive);
  });
}

clusterTest(
  "an instance that is renamed keeps its machines; in an empty work directory it knows only its own",
  async (site) => {
    const first = site.serve("--instance", "old");
    const id = await site.request(2);
    await site.allRunning(id);
    await first.stop();
    const wrong = await site.run(["serve", "--instance", "new"]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /its machines are of instance 'old' .*--instance old.*--accept-instance new/);
    const second = site.serve("--instance", "new", "--accept-instance", "new");
    const late = await site.request(1);
    await site.allRunning(late);
    await site.allRunning(id);
    await site.settled(await site.giveBack([`${id}-0`]));
    assert.deepEqual(await site.cluster.podNames(), [`${id}-1`, `${late}-0`].sort());

    await second.stop();
    Deno.removeSync(site.workdir, { recursive: true });
    site.serve("--instance", "new");
    assert.equal((await answeredAgain(site, late)).status, "complete");
    assert.deepEqual(site.entries("requests"), [late]);
    assert.deepEqual(await site.cluster.podNames(), [`${id}-1`, `${late}-0`].sort());
  },
);

clusterTest("a work directory is rebuilt by hand, where no serve does it", async (site) => {
  const serve = site.serve();
  const id = await site.request(2);
  const machines = await site.allRunning(id);
  const locked = await site.run(["rebuild"]);
  assert.equal(locked.code, 3);
  assert.match(locked.stderr, /instance 'k8s-hf' is served from .*'hostfactory serve' rebuilds by itself/);
  await serve.stop();
  Deno.removeSync(site.workdir, { recursive: true });

  const missing = {
    pods: 2,
    requests: [{ requestId: id, whole: true, machines: 2, lost: 0, strays: 0 }],
    returns: [],
  };
  for (const [args, found] of [[["--dry-run"], missing], [[], missing], [[], { ...missing, requests: [] }]] as const) {
    const { code, stdout, stderr } = await site.run(["rebuild", ...args]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), found);
    if (args.length > 0) assert.equal((await site.status(id)).status, "running", "a dry run changes nothing");
  }
  assert.deepEqual((await site.status(id)).machines, machines);

  site.write("kubeconfig", site.cluster.kubeconfig({ server: "https://127.0.0.1:1" }));
  const { code, stdout, stderr } = await site.run(["rebuild"]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /127\.0\.0\.1:1/);
});

clusterTest("of two instances in one namespace, the one that is rebuilt takes nothing of the other", async (site) => {
  const [a, b] = ["a", "b"].map((instance) => ["--instance", instance, "--workdir", `${site.directory}/${instance}`]);
  const [serveA] = [a, b].map((args = []) => site.start(["serve", ...args]));
  const ask = async (args: string[] = []): Promise<string> =>
    (await site.tell("requestMachines", { template: { templateId: "small", machineCount: 2 } }, { args })).requestId;
  const answer = async (id: string, args: string[] = []) =>
    await eventually(`${id} settled`, async () => {
      const { requests: [one] } = await site.tell("getRequestStatus", { requests: { requestId: id } }, { args });
      return one.status !== "running" && one;
    });
  const [ofA, ofB] = [await ask(a), await ask(b)];
  const before = await answer(ofA, a);
  await answer(ofB, b);
  await serveA?.stop();
  Deno.removeSync(`${site.directory}/a`, { recursive: true });
  site.start(["serve", ...a ?? []]);

  assert.deepEqual(await answer(ofA, a), before);
  assert.equal((await answer(ofB, a)).status, "complete_with_error", "it is not known there");
  assert.deepEqual([...Deno.readDirSync(`${site.directory}/a/requests`)].map(({ name }) => name), [ofA]);
  assert.equal((await answer(ofB, b)).status, "complete");
  assert.equal((await site.cluster.podNames()).length, 4);
});

clusterTest("instances of one name in two namespaces know nothing of each other", async (site) => {
  const other = await site.cluster.sibling();
  try {
    site.write("other", other.kubeconfig());
    const there = ["--workdir", `${site.directory}/there`];
    const here = site.serve();
    site.start(["serve", ...there, "--kubeconfig", `${site.directory}/other`]);
    const id = await site.request(2, { id: "same" });
    const input = { template: { templateId: "small", machineCount: 1 } };
    await site.tell("requestMachines", input, { args: [...there, "--request-id", "same"] });
    const before = await site.allRunning(id);
    await eventually("the other one runs", async () => {
      const { requests: [one] } = await site.tell("getRequestStatus", { requests: { requestId: id } }, { args: there });
      return one.status === "complete";
    });
    await here.stop();
    Deno.removeSync(site.workdir, { recursive: true });
    site.serve();
    assert.deepEqual((await answeredAgain(site, id)).machines, before);
    await site.settled(await site.giveBack(machinesOf(id, 2)));
    assert.deepEqual([await site.cluster.podNames(), await other.podNames()], [[], ["same-0"]]);
  } finally {
    await other.deleteNamespace();
  }
});

/** A template whose pods stay until they are released. */
const held = { ...manifest, metadata: { ...manifest.metadata, finalizers: ["hostfactory.test/hold"] } };

clusterTest(
  "what was being given back is known after the work directory was lost: the return, and its machines",
  async (site) => {
    site.writeTemplates({ small: held });
    const serve = site.serve();
    const id = await site.request(2);
    try {
      await site.allRunning(id);
      const returned = await site.giveBack([`${id}-0`]);
      await eventually("the pod remembers it", async () => {
        const annotations = (await site.cluster.pods()).get(`${id}-0`)?.metadata.annotations;
        return annotations?.["symphony/hostfactory-return"]?.includes(returned);
      });
      await serve.stop();
      Deno.removeSync(site.workdir, { recursive: true });
      site.serve();
      await answeredAgain(site, id);
      assert.equal((await site.status(returned)).status, "running");
      await site.cluster.releasePod(`${id}-0`);
      const { status, machines } = await site.settled(returned);
      assert.deepEqual([status, machines.map(({ name, result }) => `${name} ${result}`)], [
        "complete",
        [`${id}-0 succeed`],
      ]);
      const request = await site.status(id);
      assert.equal(request.status, "complete", request.message);
      assert.deepEqual(request.machines.map(({ status }) => status), ["terminated", "running"]);
    } finally {
      for (const name of await site.cluster.podNames()) await site.cluster.releasePod(name);
    }
  },
);

const nowhere = { ...manifest, spec: { ...manifest.spec, nodeSelector: { "no.such/label": "x" } } };
const nothing = () => Promise.resolve();
/** What makes serve do each thing that the role grants. */
const needs: Record<string, (site: Site) => Promise<void>> = {
  "list pods": nothing,
  "watch pods": nothing,
  "create pods": async (site) => void await site.request(1),
  async "get pods"(site) {
    site.writeTemplates({ small: nowhere });
    await site.request(1);
  },
  async "delete pods"(site) {
    const id = await site.request(1);
    await site.allRunning(id);
    await site.giveBack([`${id}-0`]);
  },
  async "patch pods"(site) {
    site.writeTemplates({ small: held });
    await needs["delete pods"]?.(site);
  },
  "create leases": nothing,
  "get leases": nothing,
  "update leases": nothing,
};
for (const grant of granted(roleObjects("any")).filter((grant) => grant !== "get namespaces")) {
  clusterTest(`the role is the smallest that works: without '${grant}' it does not`, async (site) => {
    await site.cluster.withdraw(grant);
    // A pod that stays pending is what makes it get one.
    const serve = grant === "get pods" ? site.serve("--pod-timeout", "1") : site.serve();
    try {
      await needs[grant]?.(site);
      const [verb, resource] = grant.split(" ");
      await serve.says(new RegExp(`cannot ${verb} resource .?"${resource}.?"`));
    } finally {
      for (const name of await site.cluster.podNames()) await site.cluster.releasePod(name);
    }
  });
}

clusterTest("the role lets serve know its namespace by the uid; without that, it does with less", async (site) => {
  const known = async () => {
    const serve = site.serve();
    const id = await site.request(1);
    await site.allRunning(id);
    await serve.stop();
    return JSON.parse(Deno.readTextFileSync(`${site.workdir}/cluster.json`)).namespaceUid;
  };
  assert.match(await known(), /^[0-9a-f-]{36}$/);
  site.workdir += "-2";
  await site.cluster.withdraw("get namespaces");
  assert.equal(await known(), undefined);
});
